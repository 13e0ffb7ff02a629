import { useEffect, useRef, useState } from "react";
import { api } from "../api/client";
import { asProblem } from "../api/problem";
import type { FlowDocument, ImportReport } from "../api/types";
import { go } from "../app/router";
import type { Catalogue } from "../flow/catalogue";
import { asDocument, linesOf } from "../flow/document";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Notice } from "../ui/states";
import { DiagnosticRow } from "./DiagnosticRow";
import { MAX_FILE } from "./files";
import { FlowForm } from "./FlowForm";
import { Picture } from "./Picture";

const T = text.upload;

interface Looked {
  name: string;
  raw: string;
  document: FlowDocument | null;
  report: ImportReport;
}

interface Props {
  catalogue: Catalogue;
  onClose: () => void;
  /** In the editor the stage is replaced; in the list a record is made. */
  onApply?: (document: FlowDocument) => void;
  /** A file that was dropped on the page. */
  dropped?: File | undefined;
}

/** Reads a file or text, shows what it would bring, and only then applies it. */
export function ImportDialog({ catalogue, onClose, onApply, dropped }: Props) {
  const [looked, setLooked] = useState<Looked | null>(null);
  const [pasted, setPasted] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [making, setMaking] = useState(false);
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const look = async (name: string, content: string): Promise<void> => {
    setWrong(null);
    if (content.length > MAX_FILE) {
      setWrong(T.tooBig);
      return;
    }
    setBusy(true);
    try {
      const found = await api.importText(content);
      setLooked({ name, raw: content, document: asDocument(found.document), report: found.report });
    } catch (error) {
      const problem = asProblem(error);
      setWrong([problem.title, problem.detail].filter(Boolean).join(": "));
    }
    setBusy(false);
  };
  const read = (picked: File | undefined): void => {
    if (!picked) return;
    if (picked.size > MAX_FILE) setWrong(T.tooBig);
    else void picked.text().then((content) => look(picked.name.replace(/\.json$/i, ""), content));
  };
  useEffect(() => read(dropped), [dropped]);
  if (making && looked) {
    return (
      <FlowForm
        catalogue={catalogue}
        {...(looked.document ? { document: looked.document } : {})}
        {...(looked.document ? {} : { save: (fields) => api.createFlow({ ...fields, raw: looked.raw }) })}
        preset={{ name: looked.document && typeof looked.document["name"] === "string" ? looked.document["name"] : looked.name }}
        onClose={() => setMaking(false)}
        onDone={(flow) => go(["flows", flow.id])}
      />
    );
  }
  const apply = (): void => {
    if (looked?.document && onApply) {
      onApply(looked.document);
      onClose();
    } else setMaking(true);
  };
  return (
    <Dialog
      title={T.title}
      onClose={onClose}
      wide={looked !== null}
      foot={
        looked ? (
          <>
            <Button onClick={() => setLooked(null)}>{text.common.back}</Button>
            {(looked.document || !onApply) && (
              <Button kind="primary" onClick={apply}>
                {looked.document ? (onApply ? T.replace : T.apply) : T.keep}
              </Button>
            )}
          </>
        ) : (
          <>
            <Button onClick={onClose}>{text.common.cancel}</Button>
            <Button kind="primary" disabled={pasted.trim() === "" || busy} onClick={() => void look("", pasted)}>
              {T.check}
            </Button>
          </>
        )
      }
    >
      {wrong && <Notice tone="bad">{wrong}</Notice>}
      {looked ? (
        <Report looked={looked} catalogue={catalogue} onFixed={(document, report) => setLooked({ ...looked, document, report })} />
      ) : (
        <div className="stack">
          <div
            className="drop"
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              event.stopPropagation();
              read(event.dataTransfer.files[0]);
            }}
          >
            <Icon name="upload" size={24} />
            <strong>{T.dropTitle}</strong>
            <span className="quiet">{T.dropBody}</span>
            <Button onClick={() => file.current?.click()}>{T.choose}</Button>
            <input ref={file} type="file" accept=".json,application/json,text/plain" hidden onChange={(event) => read(event.target.files?.[0])} />
          </div>
          <label className="field">
            <span className="label">{T.paste}</span>
            <textarea className="input mono" rows={6} spellCheck={false} value={pasted} onChange={(event) => setPasted(event.target.value)} placeholder='{"actions":[…]}' />
          </label>
        </div>
      )}
    </Dialog>
  );
}

function Report({ looked, catalogue, onFixed }: { looked: Looked; catalogue: Catalogue; onFixed: (doc: FlowDocument, report: ImportReport) => void }) {
  const { document, report } = looked;
  if (!document) {
    return (
      <div className="stack">
        <Notice tone="warn">
          <strong>{T.unreadable}.</strong> {T.unreadableBody}
        </Notice>
        {report.diagnostics.map((found, n) => (
          <DiagnosticRow key={n} found={found} />
        ))}
        <pre className="raw" tabIndex={0}>{looked.raw.slice(0, 4000)}</pre>
      </div>
    );
  }
  const renumbered = report.renumbered.map(({ from, to }) => `${from} → ${to}`);
  const fixable = report.diagnostics.filter((found) => found.fix);
  const mend = async (): Promise<void> => {
    const fixed = await api.fix(document, [...new Set(fixable.map((found) => found.code))]);
    onFixed(fixed.document, { ...report, diagnostics: await api.check({ document: fixed.document }) });
  };
  return (
    <div className="import-report">
      <div className="import-picture">
        <Picture doc={document} catalogue={catalogue} label={looked.name} />
        <p className="faint">{T.summary(document.actions.length, linesOf(document).length)}</p>
      </div>
      <div className="stack">
        {report.notes.map((note) => (
          <Notice key={note}>{note}</Notice>
        ))}
        {report.unknownTypes.length > 0 && (
          <div>
            <h3>{T.unknownTypes}</h3>
            <p className="mono">{report.unknownTypes.join(", ")}</p>
          </div>
        )}
        {renumbered.length > 0 && (
          <div>
            <h3>{T.renumbered}</h3>
            <p className="mono">{renumbered.join(", ")}</p>
          </div>
        )}
        <div>
          <div className="row">
            <h3 className="grow">{T.problems}</h3>
            {fixable.length > 0 && (
              <Button small onClick={() => void mend()}>
                {T.fix}
              </Button>
            )}
          </div>
          {report.diagnostics.length === 0 ? <p className="quiet">{T.clean}</p> : report.diagnostics.map((found, n) => <DiagnosticRow key={n} found={found} />)}
        </div>
      </div>
    </div>
  );
}

