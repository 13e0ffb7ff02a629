import { text } from "../text/en";
import { Button } from "../ui/Button";
import { useEditor, useSession } from "./context";
import { DetailMenu } from "./DetailMenu";
import { MainMenu } from "./MainMenu";

export function Sidebar() {
  const session = useSession();
  const id = useEditor((s) => (s.selected.size === 1 ? ([...s.selected][0] ?? null) : null));
  const action = useEditor((s) => (id === null ? undefined : s.doc.actions.find((a) => a.id === id)));
  const saving = useEditor((s) => s.saving);
  return (
    <aside className="sidebar" aria-label={text.editor.sidebar}>
      <header>
        <h2>{action ? text.editor.detailMenu : text.editor.mainMenu}</h2>
        <Button kind="primary" small icon="save" disabled={saving} onClick={() => void session.save()} title="Ctrl+S">
          {saving ? text.editor.saving : text.common.save}
        </Button>
      </header>
      <div className="sidebar-body">{action ? <DetailMenu key={action.id} action={action} /> : <MainMenu />}</div>
    </aside>
  );
}
