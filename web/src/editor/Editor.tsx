import { ReactFlowProvider } from "@xyflow/react";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Banners } from "./Banners";
import { SessionContext, useEditor } from "./context";
import { Dock } from "./Dock";
import { Explorer } from "./Explorer";
import { Import } from "./Import";
import { useKeys } from "./keys";
import { Search } from "./Search";
import type { EditorSession } from "./session";
import { Sidebar } from "./Sidebar";
import { Stage } from "./Stage";
import { Toolbar } from "./Toolbar";
import "@xyflow/react/dist/base.css";
import "./editor.css";
import "./sidebar.css";
import "./blocks.css";
import "./panels.css";

const ShareDialog = lazy(() => import("./ShareDialog"));
const Shortcuts = lazy(() => import("./Shortcuts"));

export default function Editor({ session }: { session: EditorSession }) {
  return (
    <SessionContext.Provider value={session}>
      <ReactFlowProvider>
        <Inner session={session} />
      </ReactFlowProvider>
    </SessionContext.Provider>
  );
}

function Inner({ session }: { session: EditorSession }) {
  const [help, setHelp] = useState(false);
  const explorer = useEditor((s) => s.explorer);
  const searching = useEditor((s) => s.searching);
  const sharing = useEditor((s) => s.sharing);
  const showHelp = useCallback(() => setHelp(true), []);
  useKeys(showHelp);
  useEffect(() => session.open(), [session]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent): void => {
      // The draft is kept; the question is asked only where storage is not to be had.
      if (session.state.dirty && !storageWorks()) event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [session]);
  return (
    <div
      className="editor"
      tabIndex={-1}
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
      onDrop={(event) => {
        const [file] = event.dataTransfer.files;
        if (!file || session.state.importing !== null) return;
        event.preventDefault();
        session.store.set({ importing: file });
      }}
    >
      <div className="editor-main">
        <div className="editor-centre">
          <Toolbar onHelp={showHelp} />
          <div className="stage-box">
            <Stage />
            <Banners />
            {searching && <Search />}
          </div>
          <Dock />
        </div>
        <Sidebar />
      </div>
      {explorer && <Explorer open={explorer} />}
      <Import />
      {sharing && (
        <Suspense fallback={null}>
          <ShareDialog onClose={() => session.store.set({ sharing: false })} />
        </Suspense>
      )}
      {help && (
        <Suspense fallback={null}>
          <Shortcuts onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </div>
  );
}

function storageWorks(): boolean {
  try {
    localStorage.setItem("tieline.probe", "1");
    localStorage.removeItem("tieline.probe");
    return true;
  } catch {
    return false;
  }
}

