import { useReactFlow } from "@xyflow/react";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Menu } from "../ui/Menu";
import { toast } from "../ui/toast";
import { align } from "./align";
import { useEditor, useSession } from "./context";
import { addNote } from "./keys";
import type { Panel } from "./session";

const T = text.editor;

export function Toolbar({ onHelp }: { onHelp: () => void }) {
  const session = useSession();
  const flow = useReactFlow();
  const past = useEditor((s) => s.history.past.length);
  const future = useEditor((s) => s.history.future[0]?.label ?? "");
  const canRedo = useEditor((s) => s.history.future.length > 0);
  const label = useEditor((s) => s.history.label);
  const dirty = useEditor((s) => s.dirty);
  const empty = useEditor((s) => s.doc.actions.length === 0);
  const many = useEditor((s) => s.selected.size > 1);
  const proposing = useEditor((s) => s.proposal !== null);
  const arrange = async (): Promise<void> => {
    const { arrange: place } = await import("../flow/layout");
    if (!session.propose(place(session.state.doc, session.catalogue))) toast(T.arrangedAlready);
  };
  return (
    <div className="toolbar" role="toolbar" aria-label={T.toolbar}>
      <IconButton icon="undo" label={past > 0 && label ? `${T.undo}: ${label}` : T.undo} disabled={past === 0} onClick={() => session.undo()} />
      <IconButton icon="redo" label={future ? `${T.redo}: ${future}` : T.redo} disabled={!canRedo} onClick={() => session.redo()} />
      <span className="bar-rule" />
      <IconButton icon="search" label={T.search} disabled={empty} onClick={() => session.store.set({ searching: true })} />
      <IconButton icon="layout" label={T.arrange} aria-pressed={proposing} disabled={empty} onClick={() => (proposing ? session.store.set({ proposal: null }) : void arrange())} />
      <IconButton icon="note" label={text.notes.add} onClick={() => addNote(session, flow)} />
      {many && (
        <Menu
          label={T.align}
          trigger={<Icon name="list" size={17} />}
          items={(["left", "top", "column", "row"] as const).map((how) => ({
            label: T.aligns[how],
            run: () => session.apply(align(session.state.doc, session.catalogue, session.state.selected, how), T.aligns[how]),
          }))}
        />
      )}
      <IconButton icon="keyboard" label={T.shortcuts} onClick={onHelp} />
      <span className={dirty ? "save-state dirty" : "save-state"}>{dirty ? T.unsaved : T.allSaved}</span>
      <span className="grow" />
      <PanelButtons />
    </div>
  );
}

function PanelButtons() {
  const session = useSession();
  const panel = useEditor((s) => s.panel);
  const errors = useEditor((s) => s.diagnostics.filter((d) => d.severity === "error").length);
  const warnings = useEditor((s) => s.diagnostics.filter((d) => d.severity === "warning").length);
  const toggle = (next: Panel): void => session.store.set({ panel: panel === next ? null : next });
  return (
    <>
      <Button small kind="ghost" icon={errors > 0 ? "error" : warnings > 0 ? "warn" : "check"} aria-pressed={panel === "problems"} className={errors > 0 ? "has-errors" : ""} onClick={() => toggle("problems")}>
        {text.panels.problems}
        {errors + warnings > 0 && <b className="count">{errors + warnings}</b>}
      </Button>
      <Button small kind="ghost" icon="play" aria-pressed={panel === "test"} onClick={() => toggle("test")}>
        {text.panels.test}
      </Button>
      <Button small kind="ghost" icon="history" aria-pressed={panel === "versions"} onClick={() => toggle("versions")}>
        {text.panels.versions}
      </Button>
      <Button small kind="ghost" icon="list" aria-pressed={panel === "outline"} onClick={() => toggle("outline")}>
        {text.panels.outline}
      </Button>
      <Button small kind="ghost" icon="code" aria-pressed={panel === "code"} onClick={() => toggle("code")}>
        {text.panels.code}
      </Button>
    </>
  );
}
