import { useMemo, useState } from "react";
import type { Action, FlowDocument, Note } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { argumentChanges, compare, compareText, type Change } from "../flow/diff";
import { titleOf } from "../flow/document";
import { compareNotes, type Work } from "../flow/notes";
import { Picture } from "../flows/Picture";
import { text } from "../text/en";
import { Dialog } from "../ui/Dialog";

const T = text.diff;
const ORDER: Change[] = ["added", "removed", "changed", "moved"];
const MARK = { added: "+", removed: "−", changed: "≠", moved: "↔", same: "" };

/** What differs: on the picture and in words first, as text second. Moved blocks are told from changed ones. */
export function DiffDialog({ title, before: was, after: is, catalogue, onClose }: { title: string; before: Work; after: Work; catalogue: Catalogue; onClose: () => void }) {
  const [before, after] = [was.doc, is.doc];
  const [view, setView] = useState<"graph" | "text">("graph");
  const changes = useMemo(() => compare(before, after), [before, after]);
  const old = new Map(before.actions.map((action) => [action.id, action]));
  const now = new Map(after.actions.map((action) => [action.id, action]));
  const rows = orderedChanges(changes);
  const notes = orderedChanges(compareNotes(was.notes, is.notes));
  const both: FlowDocument = { ...after, actions: [...before.actions.filter((action) => !now.has(action.id)), ...after.actions] };
  return (
    <Dialog title={title} onClose={onClose} wide>
      <div className="tabs" role="tablist" aria-label={title}>
        {(["graph", "text"] as const).map((id) => (
          <button key={id} type="button" role="tab" aria-selected={view === id} onClick={() => setView(id)}>
            {T[id]}
          </button>
        ))}
      </div>
      {view === "text" ? (
        <pre className="text-diff" tabIndex={0}>
          {compareText(JSON.stringify(before, null, 2), JSON.stringify(after, null, 2)).map((line, n) => (
            <span key={n} className={line.kind}>
              {{ same: "  ", added: "+ ", removed: "− " }[line.kind] + line.text + "\n"}
            </span>
          ))}
        </pre>
      ) : rows.length + notes.length === 0 ? (
        <p className="quiet diff-none">{T.none}</p>
      ) : (
        <div className="diff">
          <Picture doc={both} catalogue={catalogue} label={title} marks={changes} />
          <ul>
            {rows.map(([id, change]) => (
              <li key={id}>
                <ChangeBadge change={change} />{" "}
                <strong>{titleOf(catalogue, (now.get(id) ?? old.get(id)) as Action)}</strong> <span className="faint">{id}</span>
                {change === "changed" && <ChangedParts before={old.get(id) as Action} after={now.get(id) as Action} />}
              </li>
            ))}
            <NoteChanges changes={notes} before={was.notes} after={is.notes} />
          </ul>
        </div>
      )}
    </Dialog>
  );
}

/** What differs, the gravest first. */
export function orderedChanges(changes: ReadonlyMap<string, Change>): [string, Change][] {
  return [...changes].filter(([, change]) => change !== "same").sort((a, b) => ORDER.indexOf(a[1]) - ORDER.indexOf(b[1]));
}

export function ChangeBadge({ change }: { change: Change }) {
  return (
    <span className={`badge change-${change}`}>
      {MARK[change]} {T[change === "same" ? "changed" : change]}
    </span>
  );
}

/** What a note said and says. */
export function NoteChanges({ changes, before, after }: { changes: [string, Change][]; before: Note[]; after: Note[] }) {
  const said = (notes: Note[], id: string): string | undefined => notes.find((note) => note.id === id)?.text;
  return changes.map(([id, change]) => (
    <li key={id}>
      <ChangeBadge change={change} /> <span className="faint">{text.notes.found}</span>{" "}
      {change !== "added" && change !== "moved" && <del>{said(before, id)}</del>} {change !== "removed" && <span className="note-line">{said(after, id)}</span>}
    </li>
  ));
}

export function ChangedParts({ before, after }: { before: Action; after: Action }) {
  return (
    <table className="arguments">
      <tbody>
        {argumentChanges(before, after).map((row) => (
          <tr key={row.name}>
            <th scope="row">{row.name}</th>
            <td>
              <del>{show(row.before)}</del> → <ins>{show(row.after)}</ins>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function show(value: unknown): string {
  if (value === undefined || value === null || value === "") return T.nothing;
  return typeof value === "string" ? value : JSON.stringify(value);
}
