import { useReactFlow } from "@xyflow/react";
import { useEffect, useRef } from "react";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Notice } from "../ui/states";
import { useEditor, useSession } from "./context";
import { FIT } from "./view";

const T = text.editor;

/** Asks whether the arrangement on the stage is to stay; the whole of it is in view, and refused it leaves the view as it was. */
export function Proposal() {
  const session = useSession();
  const flow = useReactFlow();
  const moved = useEditor((s) => s.proposal?.doc.actions.filter((action) => !s.doc.actions.includes(action)).length ?? 0);
  const take = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const [view, before] = [flow.getViewport(), session.state.history];
    const frame = requestAnimationFrame(() => void flow.fitView({ ...FIT, duration: 200 }));
    const asked = document.activeElement;
    take.current?.querySelector("button")?.focus();
    return () => {
      if (asked instanceof HTMLElement) asked.focus({ preventScroll: true });
      cancelAnimationFrame(frame);
      if (session.state.history === before) void flow.setViewport(view, { duration: 200 });
    };
  }, [flow, session]);
  return (
    <Notice
      action={
        <span className="row" ref={take}>
          <Button small kind="primary" onClick={() => session.takeProposal()}>
            {T.takeProposal}
          </Button>
          <Button small onClick={() => session.store.set({ proposal: null })}>
            {T.refuseProposal}
          </Button>
        </span>
      }
    >
      {T.proposal(moved)}
    </Notice>
  );
}
