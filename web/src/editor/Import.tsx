import { useReactFlow } from "@xyflow/react";
import type { FlowDocument } from "../api/types";
import { ImportDialog } from "../flows/ImportDialog";
import { text } from "../text/en";
import { useEditor, useSession } from "./context";
import { FIT } from "./view";

/** An upload in the editor: its flow takes the stage, the old one stays one undo away. */
export function Import() {
  const session = useSession();
  const flow = useReactFlow();
  const importing = useEditor((s) => s.importing);
  if (importing === null) return null;
  const apply = (doc: FlowDocument): void => {
    session.apply(doc, text.editor.steps.import);
    requestAnimationFrame(() => void flow.fitView(FIT));
  };
  return <ImportDialog catalogue={session.catalogue} dropped={importing === "ask" ? undefined : importing} onClose={() => session.store.set({ importing: null })} onApply={apply} />;
}
