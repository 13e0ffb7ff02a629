import type { Action, Outcome } from "../api/types";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { useEditor, useSession } from "./context";
import type { Step } from "./trace";

const T = text.trace;

/** What the shown run did at this block: inputs, what was missing, what came back; may be pinned as sample. */
export function StepDetail({ action, step }: { action: Action; step: Step }) {
  const session = useSession();
  const pinned = useEditor((s) => action.id in s.pinned);
  const outcome = outcomeOf(session.catalogue.block(action.type)?.shape === "diamond", step);
  return (
    <section className="step-detail stack" aria-label={T.inThisRun}>
      <div className="row">
        <h3 className="section-title grow">{T.inThisRun}</h3>
        {(pinned || outcome) && (
          <Button small icon="link" aria-pressed={pinned} onClick={() => session.pin(action.id, pinned ? null : outcome)}>
            {pinned ? T.unpin : T.pin}
          </Button>
        )}
      </div>
      {step.exception && (
        <p className="inline-problem error">
          <strong>{step.exception.name}</strong> <span>{step.exception.message}</span>
        </p>
      )}
      {step.unresolved.length > 0 && (
        <p className="inline-problem warning">
          <span>
            {T.notFound}: <code>{step.unresolved.join(", ")}</code>
          </span>
        </p>
      )}
      <Values title={T.inputs} value={step.inputs} missing={step.unresolved} />
      <Values title={T.results} value={step.results} missing={[]} />
    </section>
  );
}

function outcomeOf(diamond: boolean, step: Step): Outcome | null {
  if (step.state === "running") return null;
  if (step.exception) return { kind: "failure", exception: step.exception };
  if (diamond) return { kind: "branch", value: step.port === "true" };
  return { kind: "success", results: step.results };
}

export function Values({ title, value, missing }: { title: string; value: unknown; missing: string[] }) {
  if (value === null || value === undefined) return null;
  const rows = typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : null;
  if (rows?.length === 0) return null;
  return (
    <div>
      <p className="faint">{title}</p>
      {rows ? (
        <dl className="values">
          {rows.map(([key, item]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{item === undefined || item === null ? <em>{missing.length > 0 ? T.noValue : "null"}</em> : show(item)}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <code>{show(value)}</code>
      )}
    </div>
  );
}

function show(value: unknown): string {
  return typeof value === "string" ? value || "“”" : (JSON.stringify(value) ?? "");
}
