import { Fragment, useEffect, useState } from "react";
import { line, type DeadLetter } from "../api/console";
import { asProblem, type Problem } from "../api/problem";
import type { Json } from "../api/types";
import { consoleText } from "../text/console";
import { Button, IconButton } from "../ui/Button";
import { Notice } from "../ui/states";
import { toast } from "../ui/toast";
import { shown, typed } from "./table";

const T = consoleText.letters;

type Payload = Record<string, Json>;

function members(value: Json | undefined): Payload | null {
  return value === null || typeof value !== "object" || Array.isArray(value) ? null : value;
}

/** One thing that can be changed: a field of the record, or what the write itself names (its object, its record, its text). */
interface Row {
  name: string;
  label: string;
  value: Json;
  field: boolean;
}

function rowsOf(payload: Payload): Row[] {
  const named = Object.entries(payload).filter(([name, value]) => name !== "operation" && typeof value === "string");
  return [
    ...named.map(([name, value]) => ({ name, label: T.parts[name] ?? name, value, field: false })),
    ...Object.entries(members(payload["fields"]) ?? {}).map(([name, value]) => ({ name: `fields.${name}`, label: name, value, field: true })),
  ];
}

/** The write with what was typed; null takes a field out. */
function changed(payload: Payload, rows: Row[], changes: Record<string, string | null>, added: { name: string; value: string }): Payload {
  const next: Payload = { ...payload };
  const fields: Payload = { ...members(payload["fields"]) };
  for (const row of rows) {
    const entry = changes[row.name];
    if (entry === undefined) continue;
    if (!row.field) next[row.name] = entry;
    else if (entry === null) delete fields[row.label];
    else fields[row.label] = typed(entry, row.value);
  }
  if (added.name.trim() !== "") fields[added.name.trim()] = added.value;
  return "fields" in payload ? { ...next, fields } : next;
}

interface Props {
  letter: DeadLetter;
  saved: (letter: DeadLetter) => void;
  reload: () => void;
  unsaved: (is: boolean) => void;
}

/** Everything the write would send with what it was beside what it becomes; a field taken out is not sent. */
export function LetterForm({ letter, saved, reload, unsaved }: Props) {
  const payload = members(letter.payload);
  const [changes, setChanges] = useState<Record<string, string | null>>({});
  const [added, setAdded] = useState({ name: "", value: "" });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const dirty = Object.keys(changes).length > 0 || added.name.trim() !== "";
  useEffect(() => {
    unsaved(dirty);
    return () => unsaved(false);
  }, [dirty, unsaved]);
  if (!payload) return <p className="quiet below">{T.noForm}</p>;
  const rows = rowsOf(payload);
  const change = (row: Row, entry: string | null): void => {
    const { [row.name]: _old, ...others } = changes;
    setChanges(entry === shown(row.value) ? others : { ...others, [row.name]: entry });
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      const next = await line.edit(letter, letter.version, changed(payload, rows, changes, added));
      toast(T.saved, "good");
      setProblem(null);
      saved(next);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="stack below"
      onSubmit={(event) => {
        event.preventDefault();
        if (dirty) void save();
      }}
    >
      {problem &&
        (problem.status === 409 ? (
          <Notice tone="warn" action={<Button small onClick={reload}>{T.reload}</Button>}>
            <strong>{T.conflict}</strong>. {T.conflictBody}
          </Notice>
        ) : (
          <Notice tone="bad">{[problem.title, problem.detail].filter(Boolean).join(": ")}</Notice>
        ))}
      <div className="entries">
        {rows.map((row) => (
          <Entry key={row.name} row={row} entry={changes[row.name]} wrong={letter.error.fields.includes(row.label)} change={(entry) => change(row, entry)} />
        ))}
        {"fields" in payload && (
          <>
            <input className="input" aria-label={T.newName} placeholder={T.addField} value={added.name} spellCheck={false} onChange={(event) => setAdded({ ...added, name: event.target.value })} />
            <input className="input" aria-label={T.newValue} value={added.value} disabled={added.name.trim() === ""} onChange={(event) => setAdded({ ...added, value: event.target.value })} />
            <span />
          </>
        )}
      </div>
      <div className="row">
        <Button kind="primary" icon="save" type="submit" disabled={!dirty || busy}>
          {T.save}
        </Button>
        <Button
          disabled={!dirty || busy}
          onClick={() => {
            setChanges({});
            setAdded({ name: "", value: "" });
          }}
        >
          {T.reset}
        </Button>
      </div>
    </form>
  );
}

function Entry({ row, entry, wrong, change }: { row: Row; entry: string | null | undefined; wrong: boolean; change: (entry: string | null) => void }) {
  const before = shown(row.value);
  const out = entry === null;
  const value = entry === undefined ? before : (entry ?? "");
  const input = { id: `entry-${row.name}`, className: "input", value, disabled: out, "aria-invalid": wrong || undefined };
  return (
    <Fragment>
      <label htmlFor={input.id}>{row.field ? <code>{row.label}</code> : row.label}</label>
      {before.includes("\n") || row.name === "text" ? (
        <textarea {...input} rows={Math.min(8, value.split("\n").length + 1)} onChange={(event) => change(event.target.value)} />
      ) : (
        <input {...input} onChange={(event) => change(event.target.value)} />
      )}
      {row.field ? <IconButton icon={out ? "undo" : "trash"} small label={out ? T.keep(row.label) : T.remove(row.label)} onClick={() => change(out ? before : null)} /> : <span />}
      {entry !== undefined && (
        <span className="faint was">
          {out && <>{T.removed}; </>}
          {T.was} <del>{before}</del>
        </span>
      )}
    </Fragment>
  );
}
