import { useReactFlow } from "@xyflow/react";
import { titleOf } from "../flow/document";
import { readingOrder } from "../flow/walk";
import { text } from "../text/en";
import { useEditor, useSession } from "./context";
import { goTo } from "./keys";

/** The graph in words, in the order it runs: for reading aloud, and for a quick way around. */
export default function OutlinePanel() {
  const session = useSession();
  const flow = useReactFlow();
  const doc = useEditor((s) => s.doc);
  const selected = useEditor((s) => s.selected);
  const names = new Map(doc.actions.map((action) => [action.id, titleOf(session.catalogue, action)]));
  const notes = useEditor((s) => s.notes);
  if (doc.actions.length === 0 && notes.length === 0) return <p className="quiet">{text.outline.empty}</p>;
  return (
    <>
      <ol className="outline">
        {readingOrder(doc).map((action) => {
          const lines = Object.entries(action.ports ?? {}).filter((line): line is [string, string] => typeof line[1] === "string");
          const open = (session.catalogue.block(action.type)?.ports ?? []).filter((port) => !action.ports?.[port]);
          return (
            <li key={action.id} aria-current={selected.has(action.id) ? "true" : undefined}>
              <button type="button" className="link strong" onClick={() => goTo(session, flow, action.id)}>
                {names.get(action.id)}
              </button>{" "}
              <span className="faint">{action.id}</span>
              <span className="ways">
                {lines.map(([port, to]) => (
                  <span key={port}>
                    {text.ports[port] ?? port} →{" "}
                    <button type="button" className="link" onClick={() => goTo(session, flow, to)}>
                      {names.get(to) ?? to}
                    </button>
                  </span>
                ))}
                {open.map((port) => (
                  <span key={port} className="faint">
                    {text.outline.open(text.ports[port] ?? port)}
                  </span>
                ))}
              </span>
            </li>
          );
        })}
      </ol>
      {notes.length > 0 && (
        <section aria-label={text.notes.title}>
          <h3 className="section-title">{text.notes.title}</h3>
          <ul className="outline">
            {notes.map((note) => (
              <li key={note.id} aria-current={selected.has(note.id) ? "true" : undefined}>
                <button type="button" className="link note-line" onClick={() => goTo(session, flow, note.id)}>
                  {note.text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
