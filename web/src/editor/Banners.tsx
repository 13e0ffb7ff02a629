import { useEffect, useState } from "react";
import { api } from "../api/client";
import type { Flow } from "../api/types";
import { workOf } from "../flow/notes";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Notice } from "../ui/states";
import { Ago } from "../ui/time";
import { KeyboardLine } from "./KeyboardLine";
import { useEditor, useSession } from "./context";
import { DiffDialog } from "./DiffDialog";
import { MergeDialog } from "./MergeDialog";
import { Proposal } from "./Proposal";
import { usePresence } from "./presence";

const T = text.banners;

/** What the author must know before going on: restored work, someone else at the same flow, a run on the stage. */
export function Banners() {
  const session = useSession();
  const restored = useEditor((s) => s.restored);
  const conflict = useEditor((s) => s.conflict);
  const id = useEditor((s) => s.flow.id);
  const proposing = useEditor((s) => s.proposal !== null);
  const others = usePresence(id);
  const newer = useNewerVersion();
  const theirs = conflict ?? newer;
  return (
    <div className="banners">
      {restored && !conflict && (
        <Notice
          tone="info"
          action={
            <span className="row">
              <Button small onClick={() => session.discardDraft()}>
                {T.discard}
              </Button>
              <Button small onClick={() => session.store.set({ restored: null })}>
                {text.common.close}
              </Button>
            </span>
          }
        >
          {T.restored} <Ago at={restored.at} />.
        </Notice>
      )}
      {theirs ? <Conflict theirs={theirs} /> : others > 0 && <Notice tone="warn">{T.otherTab}</Notice>}
      {proposing && <Proposal />}
      <KeyboardLine />
    </div>
  );
}

function Conflict({ theirs }: { theirs: Flow }) {
  const session = useSession();
  const [open, setOpen] = useState<"differences" | "merge" | null>(null);
  const { document } = theirs;
  return (
    <>
      <Notice
        tone="warn"
        action={
          <span className="row">
            <Button small icon="diff" onClick={() => setOpen("differences")} disabled={!document}>
              {T.compare}
            </Button>
            <Button small kind="primary" onClick={() => setOpen("merge")} disabled={!document}>
              {T.merge}
            </Button>
            <Button small onClick={() => session.takeTheirs(theirs)}>
              {T.takeTheirs}
            </Button>
            <Button small onClick={() => session.keepOurs(theirs)}>
              {T.keepMine}
            </Button>
          </span>
        }
      >
        {T.conflict(theirs.author, theirs.draftVersion)} <Ago at={theirs.updatedAt} />.
      </Notice>
      {open === "differences" && document && (
        <DiffDialog title={T.conflictTitle} before={workOf({ ...theirs, document })} after={session.state} catalogue={session.catalogue} onClose={() => setOpen(null)} />
      )}
      {open === "merge" && document && <MergeDialog theirs={{ ...theirs, document }} onClose={() => setOpen(null)} />}
    </>
  );
}

/** Looks now and then whether another person saved; only while the page is seen. */
function useNewerVersion(): Flow | null {
  const session = useSession();
  const version = useEditor((s) => s.flow.draftVersion);
  const [newer, setNewer] = useState<Flow | null>(null);
  useEffect(() => {
    setNewer(null);
    const look = (): void => {
      if (document.visibilityState !== "visible" || session.state.saving) return;
      api.flow(session.state.flow.id).then(
        (flow) => flow.draftVersion > session.state.flow.draftVersion && setNewer(flow),
        () => undefined,
      );
    };
    const timer = setInterval(look, 15_000);
    return () => clearInterval(timer);
  }, [session, version]);
  return newer && newer.draftVersion > version ? newer : null;
}
