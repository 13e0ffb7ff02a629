import { useState } from "react";
import type { Action, ControlSpec } from "../api/types";
import { setControl, titleOf } from "../flow/document";
import { users } from "../flow/search";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Caret } from "../ui/Table";
import { ControlField } from "./ControlField";
import { useEditor, useSession } from "./context";
import { StepDetail } from "./StepDetail";
import { useTrace } from "./useTrace";

const T = text.editor;

export function DetailMenu({ action }: { action: Action }) {
  const session = useSession();
  const block = session.catalogue.block(action.type);
  const [about, setAbout] = useState(false);
  const problems = useEditor((s) => s.diagnostics);
  const step = useTrace()?.steps.get(action.id);
  const circle = block?.shape === "circle";
  const mine = problems.filter((d) => d.action === action.id && d.severity !== "info");
  const controls = controlsOf(action, block?.controls ?? []);
  return (
    <div className="detail stack">
      <div className="row">
        <IconButton icon="trash" label={T.remove} onClick={() => session.remove(new Set([action.id]))} data-first={controls.length === 0 ? "" : undefined} />
        {!circle && (
          <Button small icon="edit" onClick={() => session.store.set({ explorer: { kind: "change", id: action.id } })}>
            {T.changeType}
          </Button>
        )}
        <span className="grow" />
        <IconButton icon="pause" small label={T.toggleBreakpoint} aria-pressed={session.state.breakpoints.has(action.id)} onClick={() => session.toggleBreakpoint(action.id)} />
      </div>
      <div className="detail-title">
        <h3>{titleOf(session.catalogue, action)}</h3>
        <p className="row">
          <span className="faint">ID: {action.id}</span>
          <button type="button" className="info-button" aria-expanded={about} onClick={() => setAbout(!about)}>
            <Icon name="info" size={14} /> {T.about}
          </button>
        </p>
      </div>
      {about && (
        <div className="about">
          <p>{block?.description ?? T.unknownType}</p>
          {block?.calls.map((call) => (
            <code key={call}>{call}</code>
          ))}
          {block?.safety && <p className="faint">{block.safety}</p>}
          {block?.deprecated && <p className="faint">{T.deprecated(block.deprecated)}</p>}
          <p className="faint mono">{action.type}</p>
        </div>
      )}
      {mine.map((d, n) => (
        <p key={n} className={`inline-problem ${d.severity}`}>
          <Icon name={d.severity === "error" ? "error" : "warn"} size={14} />
          <span>
            {d.message} {d.hint && <span className="quiet">{d.hint}</span>}
          </span>
        </p>
      ))}
      {controls.length > 0 && (
        <section className="stack" aria-label={T.arguments}>
          <h3 className="section-title">{T.arguments}</h3>
          {controls.map((control, n) => (
            <ControlField
              key={control.name}
              action={action}
              control={control}
              first={n === 0}
              onChange={(value, group) => session.apply(setControl(session.state.doc, action.id, control.name, value), T.steps.argument(control.label), group ? `${action.id} ${control.name} ${group}` : null)}
            />
          ))}
        </section>
      )}
      {block && block.results.length > 0 && <Results action={action} />}
      {block?.shape === "diamond" && <p className="faint">{T.branches}</p>}
      {step && <StepDetail action={action} step={step} />}
    </div>
  );
}

/** The catalogue's arguments, then what else the file carries. */
function controlsOf(action: Action, known: ControlSpec[]): ControlSpec[] {
  const names = new Set(known.map((control) => control.name));
  const extra = Object.entries(action.controls ?? {})
    .filter(([name]) => !names.has(name))
    .map(([name, value]): ControlSpec => ({ name, label: name, type: guess(value), required: false, help: T.unknownArgument }));
  return [...known, ...extra];
}

function guess(value: unknown): ControlSpec["type"] {
  if (typeof value === "boolean") return "boolean";
  if (Array.isArray(value)) return "list";
  return typeof value === "object" && value !== null ? "map" : "any";
}

function Results({ action }: { action: Action }) {
  const session = useSession();
  const block = session.catalogue.block(action.type);
  const readers = useEditor((s) => users(s.doc, action.id).length);
  const [open, setOpen] = useState(true);
  if (!block) return null;
  return (
    <section className="results" aria-label={T.returnValues}>
      <button type="button" className="section-title" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Caret open={open} /> {T.returnValues}
      </button>
      {open && (
        <>
          <p className="faint">{T.returns(block.results.length)}</p>
          <table>
            <thead>
              <tr>
                <th scope="col">{T.resultName}</th>
                <th scope="col">{T.resultMeaning}</th>
              </tr>
            </thead>
            <tbody>
              {block.results.map((result) => (
                <tr key={result.name}>
                  <td>
                    <code>{result.name}</code>
                  </td>
                  <td>{result.description || result.type || "—"}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {readers > 0 && <p className="faint">{T.readBy(readers)}</p>}
        </>
      )}
    </section>
  );
}
