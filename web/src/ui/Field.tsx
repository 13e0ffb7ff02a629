import { useId, type ReactNode } from "react";
import { text } from "../text/en";

interface Props {
  label: string;
  required?: boolean | undefined;
  optional?: boolean | undefined;
  hint?: ReactNode;
  wrong?: string | undefined;
  /** Given the id and description to put on the one control inside. */
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean; "aria-required"?: boolean }) => ReactNode;
}

export function Field({ label, required, optional, hint, wrong, children }: Props) {
  const id = useId();
  const note = hint || wrong ? `${id}-note` : undefined;
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
        {required && (
          <span className="must" aria-hidden="true">
            *
          </span>
        )}
        {optional && <span className="optional">{text.common.optional}</span>}
      </label>
      {children({
        id,
        ...(note ? { "aria-describedby": note } : {}),
        ...(wrong ? { "aria-invalid": true } : {}),
        ...(required ? { "aria-required": true } : {}),
      })}
      {wrong ? (
        <span className="wrong" id={note}>
          {wrong}
        </span>
      ) : (
        hint && (
          <span className="hint" id={note}>
            {hint}
          </span>
        )
      )}
    </div>
  );
}
