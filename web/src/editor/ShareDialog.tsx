import { useMemo, useState } from "react";
import { shareOf } from "../flow/share";
import { fileName, saveFile } from "../flows/files";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { useEditor, useSession } from "./context";
import { SharedView } from "./SharedView";
import { sharedPage } from "./shareFile";
import { viewTrace } from "./trace";
import "./shared.css";

const T = text.share;

/** What somebody outside would see, and as which file it is sent. */
export default function ShareDialog({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const flow = useEditor((s) => s.flow);
  const doc = useEditor((s) => s.doc);
  const dirty = useEditor((s) => s.dirty);
  const run = useEditor((s) => s.run);
  const [texts, setTexts] = useState(false);
  const share = useMemo(() => shareOf({ flow, doc, run, saved: !dirty, texts }, session.catalogue), [flow, doc, run, dirty, texts, session]);
  const trace = useMemo(() => run && viewTrace(run, null), [run]);
  const name = fileName(`${flow.name} shared`);
  return (
    <Dialog
      title={T.title}
      onClose={onClose}
      wide
      foot={
        <>
          <label className="check grow">
            <input type="checkbox" checked={texts} onChange={(event) => setTexts(event.target.checked)} /> {T.texts}
          </label>
          <Button icon="code" onClick={() => saveFile(name, JSON.stringify(share, null, 2))}>
            {T.json}
          </Button>
          <Button kind="primary" icon="download" onClick={() => saveFile(name.replace(/json$/, "html"), sharedPage(share, doc, trace, session.catalogue), "text/html")}>
            {T.html}
          </Button>
        </>
      }
    >
      <p className="quiet">{run ? T.lead : T.leadWithoutRun}</p>
      <div className="share-preview" tabIndex={0} role="region" aria-label={T.preview}>
        <SharedView share={share} doc={doc} trace={trace} catalogue={session.catalogue} />
      </div>
    </Dialog>
  );
}
