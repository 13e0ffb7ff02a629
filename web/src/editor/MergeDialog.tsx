import { useMemo, useState } from "react";
import { api } from "../api/client";
import type { Action, Flow, FlowDocument } from "../api/types";
import { compare } from "../flow/diff";
import { titleOf } from "../flow/document";
import { canMerge, merge, type Overlap, type Side } from "../flow/merge";
import { compareNotes, mergeNotes, type Work } from "../flow/notes";
import { Picture } from "../flows/Picture";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Notice, ProblemView } from "../ui/states";
import { Ago } from "../ui/time";
import { useLoad } from "../ui/useLoad";
import { useEditor, useSession } from "./context";
import { ChangeBadge, ChangedParts, NoteChanges, orderedChanges } from "./DiffDialog";

const T = text.merge;

/** Joins another person's version with the stage: what only one changed by itself, what both changed as the author chooses. */
export function MergeDialog({ theirs, onClose }: { theirs: Flow & { document: FlowDocument }; onClose: () => void }) {
  const session = useSession();
  const mine = useEditor((s) => s.doc);
  const notes = useEditor((s) => s.notes);
  // What both began with is asked for: the stage may have been restored over a version that is no longer the newest.
  const began = useEditor((s) => s.flow.draftVersion);
  const base = useLoad(`version ${theirs.id} ${began}`, () => api.version(theirs.id, began));
  const [chosen, setChosen] = useState<ReadonlyMap<string, Side>>(new Map());
  const before = base.value?.document ?? null;
  const merged = useMemo(() => (before && canMerge(before, theirs.document, mine) ? merge(before, theirs.document, mine, chosen) : null), [before, theirs, mine, chosen]);
  const noted = useMemo(() => mergeNotes(base.value?.notes ?? [], theirs.notes, notes), [base.value, theirs, notes]);
  const open = merged?.overlaps.filter((overlap) => !chosen.has(overlap.id)).length ?? 0;
  const choose = (ids: string[], side: Side): void => setChosen(new Map([...chosen, ...ids.map((id): [string, Side] => [id, side])]));
  return (
    <Dialog
      title={T.title}
      onClose={onClose}
      wide
      foot={
        <>
          <span className="faint grow">{merged && open > 0 && T.open(open)}</span>
          <Button onClick={onClose}>{text.common.cancel}</Button>
          <Button
            kind="primary"
            disabled={!merged || open > 0}
            onClick={() => {
              if (merged) session.takeMerged(theirs, { doc: merged.doc, notes: noted });
              onClose();
            }}
          >
            {T.action}
          </Button>
        </>
      }
    >
      <p className="quiet">
        {T.lead(theirs.author, theirs.draftVersion)} <Ago at={theirs.updatedAt} />. {T.began(began)}
      </p>
      {base.state === "failed" ? (
        <ProblemView problem={base.problem} again={base.again} />
      ) : base.state === "ready" && !merged ? (
        <Notice tone="warn">{before ? T.doubled : T.noBase}</Notice>
      ) : merged ? (
        <div className="merge stack">
          {merged.overlaps.length > 0 && (
            <section className="stack" aria-label={T.overlaps(merged.overlaps.length)}>
              <div className="row">
                <h3 className="grow">{T.overlaps(merged.overlaps.length)}</h3>
                {(["theirs", "mine"] as const).map((side) => (
                  <Button key={side} small onClick={() => choose(merged.overlaps.map((overlap) => overlap.id), side)}>
                    {T.all[side]}
                  </Button>
                ))}
              </div>
              {merged.overlaps.map((overlap) => (
                <OverlapChoice key={overlap.id} overlap={overlap} chosen={chosen.get(overlap.id)} onChoose={(side) => choose([overlap.id], side)} />
              ))}
            </section>
          )}
          {merged.renamed.length > 0 && <Notice>{T.renamed(merged.renamed.map(({ from, to }) => `${from} → ${to}`))}</Notice>}
          {merged.cut.length > 0 && <Notice tone="warn">{T.cut(merged.cut.map((line) => text.editor.lineLabel(line.from, text.ports[line.port] ?? line.port, line.to)))}</Notice>}
          <Coming stage={{ doc: mine, notes }} merged={{ doc: merged.doc, notes: noted }} />
        </div>
      ) : (
        <div className="skeleton" style={{ height: 240 }} aria-busy="true" />
      )}
    </Dialog>
  );
}

function OverlapChoice({ overlap, chosen, onChoose }: { overlap: Overlap; chosen: Side | undefined; onChoose: (side: Side) => void }) {
  const session = useSession();
  return (
    <fieldset className="overlap">
      <legend>
        <strong>{titleOf(session.catalogue, overlap.mine ?? overlap.base)}</strong> <span className="faint">{overlap.id}</span>
      </legend>
      {(["theirs", "mine"] as const).map((side) => (
        <label key={side} className={chosen === side ? "side chosen" : "side"}>
          <span className="check">
            <input type="radio" name={`overlap ${overlap.id}`} checked={chosen === side} onChange={() => onChoose(side)} /> {T.side[side]}
          </span>
          {overlap[side] ? <ChangedParts before={overlap.base} after={overlap[side]} /> : <ChangeBadge change="removed" />}
        </label>
      ))}
    </fieldset>
  );
}

/** What the merge does to the stage, before it is done. */
function Coming({ stage: was, merged: is }: { stage: Work; merged: Work }) {
  const { catalogue } = useSession();
  const [stage, merged] = [was.doc, is.doc];
  const notes = orderedChanges(compareNotes(was.notes, is.notes));
  const changes = useMemo(() => compare(stage, merged), [stage, merged]);
  const known = new Map([...stage.actions, ...merged.actions].map((action) => [action.id, action]));
  const gone = stage.actions.filter((action) => changes.get(action.id) === "removed");
  const rows = orderedChanges(changes);
  return (
    <section className="stack" aria-label={T.coming}>
      <h3>{T.coming}</h3>
      {rows.length + notes.length === 0 ? (
        <p className="quiet">{T.nothing}</p>
      ) : (
        <div className="diff">
          <Picture doc={{ ...merged, actions: [...gone, ...merged.actions] }} catalogue={catalogue} label={T.coming} marks={changes} />
          <ul>
            {rows.map(([id, change]) => (
              <li key={id}>
                <ChangeBadge change={change} /> <strong>{titleOf(catalogue, known.get(id) as Action)}</strong> <span className="faint">{id}</span>
              </li>
            ))}
            <NoteChanges changes={notes} before={was.notes} after={is.notes} />
          </ul>
        </div>
      )}
    </section>
  );
}
