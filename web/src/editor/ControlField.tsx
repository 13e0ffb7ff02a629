import { useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import type { Action, ControlSpec } from "../api/types";
import { parseExpression } from "../flow/expression";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { ValueInput } from "./ValueInput";

const T = text.editor;

interface Props {
  action: Action;
  control: ControlSpec;
  first: boolean;
  /** A group merges typing into one step of undo. */
  onChange: (value: unknown, group?: string) => void;
}

export function ControlField({ action, control, first, onChange }: Props) {
  const id = useId();
  const value = action.controls?.[control.name];
  const expression = typeof value === "string" && value.startsWith("$.") && parseExpression(value) !== null;
  const common = { id, at: action.id, label: control.label, first };
  const tip = [control.help, control.type === "number" ? T.numberHint : ""].filter(Boolean).join(" ");
  if (control.type === "boolean" && !expression) {
    return (
      <div className="control">
        <label className="check">
          <input id={id} type="checkbox" data-first={first ? "" : undefined} checked={value === true} onChange={(event) => onChange(event.target.checked)} />
          <span>{control.label}</span>
          {tip && <Tip text={tip} />}
        </label>
      </div>
    );
  }
  const group = control.type === "map" || control.type === "list";
  return (
    <div className="control" role={group ? "group" : undefined} aria-labelledby={group ? `${id}-label` : undefined}>
      <div className="control-label">
        {group ? <span id={`${id}-label`}>{control.label}</span> : <label htmlFor={id}>{control.label}</label>}
        {tip && <Tip text={tip} />}
        {control.required ? (
          <span className="must" title={text.common.required}>
            *<span className="hidden"> {text.common.required}</span>
          </span>
        ) : (
          <span className="optional">{text.common.optional}</span>
        )}
      </div>
      {control.type === "map" && isMap(value) ? (
        <MapEditor {...common} value={value ?? {}} onChange={onChange} />
      ) : control.type === "list" && (Array.isArray(value) || value === undefined || value === null || value === "") ? (
        <ListEditor {...common} value={Array.isArray(value) ? (value as unknown[]) : []} onChange={onChange} />
      ) : (
        <ValueInput {...common} value={value} options={control.options ?? []} onChange={(next) => onChange(next)} />
      )}
    </div>
  );
}

function isMap(value: unknown): value is Record<string, unknown> | null | undefined {
  return value === undefined || value === null || (typeof value === "object" && !Array.isArray(value));
}

function Tip({ text: tip }: { text: string }) {
  const [open, setOpen] = useState(false);
  return (
    <span className="tip">
      <button type="button" aria-label={T.aboutArgument} aria-expanded={open} onClick={() => setOpen(!open)} onBlur={() => setOpen(false)} title={tip}>
        <Icon name="info" size={13} />
      </button>
      {open && <span role="tooltip">{tip}</span>}
    </span>
  );
}

interface GroupProps<V> {
  id: string;
  at: string;
  label: string;
  first: boolean;
  value: V;
  onChange: (value: unknown, group?: string) => void;
}

/** Key and value per row. The order of keys is the file's; a key typed twice is kept apart until it differs. */
function MapEditor({ id, at, label, first, value, onChange }: GroupProps<Record<string, unknown>>) {
  const [rows, setRows] = useState<[string, unknown][]>(Object.entries(value));
  const shown = sameRows(rows, value) ? rows : Object.entries(value);
  const change = (next: [string, unknown][], group?: string): void => {
    setRows(next);
    onChange(Object.fromEntries(next.filter(([key]) => key !== "")), group);
  };
  const keys = useRef<(HTMLInputElement | null)[]>([]);
  const add = (): void => {
    flushSync(() => setRows([...shown, ["", ""]]));
    keys.current[shown.length]?.focus();
  };
  const put = (place: number, row: [string, unknown], group?: string): void => change(shown.map((old, n) => (n === place ? row : old)), group);
  return (
    <div className="map">
      {shown.map(([key, item], n) => (
        <div className="map-row" key={n}>
          <input
            ref={(input) => {
              keys.current[n] = input;
            }}
            className="input"
            aria-label={T.mapKey(label, n + 1)}
            aria-invalid={shown.some(([other], m) => m !== n && other === key && key !== "") || undefined}
            placeholder={T.key}
            data-first={first && n === 0 ? "" : undefined}
            value={key}
            onChange={(event) => put(n, [event.target.value, item], `key ${n}`)}
          />
          <ValueInput id={`${id}-${n}`} at={at} label={T.mapValue(label, n + 1)} value={item} options={[]} first={false} onChange={(next) => put(n, [key, next])} spoken />
          <IconButton icon="trash" small label={T.removeField(key || String(n + 1))} onClick={() => change(shown.filter((_row, m) => m !== n))} />
        </div>
      ))}
      <Button small icon="plus" className="wide" data-first={first && shown.length === 0 ? "" : undefined} onClick={add}>
        {T.addField}
      </Button>
    </div>
  );
}

/** Rows not yet in the document (an empty or doubled key) are kept while the rest agrees. */
function sameRows(rows: [string, unknown][], value: Record<string, unknown>): boolean {
  return JSON.stringify(Object.fromEntries(rows.filter(([key]) => key !== ""))) === JSON.stringify(value);
}

function ListEditor({ id, at, label, first, value, onChange }: GroupProps<unknown[]>) {
  return (
    <div className="map">
      {value.map((item, n) => (
        <div className="list-row" key={n}>
          <ValueInput id={`${id}-${n}`} at={at} label={T.listItem(label, n + 1)} value={item} options={[]} first={first && n === 0} onChange={(next) => onChange(value.map((old, m) => (m === n ? next : old)))} spoken />
          <IconButton icon="trash" small label={T.removeField(String(n + 1))} onClick={() => onChange(value.filter((_item, m) => m !== n))} />
        </div>
      ))}
      <Button small icon="plus" className="wide" data-first={first && value.length === 0 ? "" : undefined} onClick={() => onChange([...value, ""])}>
        {T.addValue}
      </Button>
    </div>
  );
}
