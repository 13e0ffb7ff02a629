import { useEffect, useMemo, useRef, useState } from "react";
import { parseJson } from "../api/lossless";
import { asDocument } from "../flow/document";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { toast } from "../ui/toast";
import { useEditor, useSession } from "./context";

/** The file beside the graph. A selected block scrolls to its lines; an edit is applied when it reads as a flow. */
export default function CodePanel() {
  const session = useSession();
  const doc = useEditor((s) => s.doc);
  const selected = useEditor((s) => ([...s.selected][0] ?? null));
  const written = useMemo(() => JSON.stringify(doc, null, 2), [doc]);
  const [typed, setTyped] = useState<string | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const wrong = typed === null ? null : faultOf(typed);
  useEffect(() => {
    if (selected === null || typed !== null || !area.current) return;
    const at = written.indexOf(`"id": ${JSON.stringify(selected)}`);
    if (at < 0) return;
    const line = written.slice(0, at).split("\n").length;
    area.current.scrollTop = Math.max(0, (line - 3) * 19);
  }, [selected, written, typed]);
  const apply = (): void => {
    const next = typed === null ? null : asDocument(parseJson(typed));
    if (!next) return;
    session.apply(next, text.editor.steps.code);
    setTyped(null);
    toast(text.code.applied, "good");
  };
  return (
    <div className="code-panel">
      <div className="row">
        <span className={wrong ? "wrong grow" : "faint grow"} role="status">
          {wrong ?? text.code.hint}
        </span>
        <Button small icon="copy" onClick={() => void navigator.clipboard?.writeText(typed ?? written).then(() => toast(text.common.copied))}>
          {text.common.copy}
        </Button>
        {typed !== null && (
          <>
            <Button small onClick={() => setTyped(null)}>
              {text.common.cancel}
            </Button>
            <Button small kind="primary" disabled={wrong !== null} onClick={apply}>
              {text.code.apply}
            </Button>
          </>
        )}
      </div>
      <textarea ref={area} className="input mono" aria-label={text.panels.code} spellCheck={false} wrap="off" value={typed ?? written} onChange={(event) => setTyped(event.target.value)} />
    </div>
  );
}

function faultOf(typed: string): string | null {
  try {
    return asDocument(parseJson(typed)) ? null : text.code.notAFlow;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
