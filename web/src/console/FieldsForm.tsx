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

/** The fields of a create, update or upsert; nothing for a write without fields. */
function fieldsOf(payload: Json): Record<string, Json> | null {
  if (payload === null || typeof payload !== "object" || Array.isArray(payload)) return null;
  const fields = payload["fields"];
  return fields === null || typeof fields !== "object" || Array.isArray(fields) ? null : fields;
}

interface Props {
  letter: DeadLetter;
  saved: (letter: DeadLetter) => void;
  reload: () => void;
  unsaved: (is: boolean) => void;
}

/** Every field with what it was beside what it becomes; a field taken out is not sent. */
export function FieldsForm({ letter, saved, reload, unsaved }: Props) {
  const before = fieldsOf(letter.payload);
  // Field name to what was typed; null takes the field out.
  const [changes, setChanges] = useState<Record<string, string | null>>({});
  const [added, setAdded] = useState({ name: "", value: "" });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const dirty = Object.keys(changes).length > 0 || added.name.trim() !== "";
  useEffect(() => {
    unsaved(dirty);
    return () => unsaved(false);
  }, [dirty, unsaved]);
  if (!before) return null;
  const change = (name: string, entry: string | null): void => {
    const { [name]: _old, ...others } = changes;
    setChanges(entry === shown(before[name]) ? others : { ...others, [name]: entry });
  };
  const save = async (): Promise<void> => {
    const fields: Record<string, Json> = {};
    for (const [name, entry] of Object.entries(changes)) fields[name] = entry === null ? null : typed(entry, before[name]);
    const name = added.name.trim();
    if (name !== "") fields[name] = added.value;
    setBusy(true);
    try {
      const next = await line.edit(letter, letter.version, fields);
      toast(T.saved, "good");
      setChanges({});
      setAdded({ name: "", value: "" });
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
        {Object.entries(before).map(([name, value]) => {
          const entry = name in changes ? changes[name] : shown(value);
          const out = entry === null;
          return (
            <Fragment key={name}>
              <label htmlFor={`field-${name}`}>
                <code>{name}</code>
              </label>
              <input
                id={`field-${name}`}
                className="input"
                value={entry ?? ""}
                disabled={out}
                aria-invalid={letter.error.fields.includes(name) || undefined}
                onChange={(event) => change(name, event.target.value)}
              />
              <IconButton icon={out ? "undo" : "trash"} small label={out ? T.keep(name) : T.remove(name)} onClick={() => change(name, out ? shown(value) : null)} />
              {name in changes && (
                <span className="faint was">
                  {out && <>{T.removed}; </>}
                  {T.was} <del>{shown(value)}</del>
                </span>
              )}
            </Fragment>
          );
        })}
        <input className="input" aria-label={T.newName} placeholder={T.addField} value={added.name} spellCheck={false} onChange={(event) => setAdded({ ...added, name: event.target.value })} />
        <input className="input" aria-label={T.newValue} value={added.value} disabled={added.name.trim() === ""} onChange={(event) => setAdded({ ...added, value: event.target.value })} />
        <span />
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
