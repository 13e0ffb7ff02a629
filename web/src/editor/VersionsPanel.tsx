import { useState } from "react";
import { api } from "../api/client";
import { asProblem } from "../api/problem";
import type { FlowVersion } from "../api/types";
import { workOf, type Work } from "../flow/notes";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { ask } from "../ui/confirm";
import { ProblemView } from "../ui/states";
import { tell } from "../ui/tell";
import { Ago } from "../ui/time";
import { toast } from "../ui/toast";
import { useLoad } from "../ui/useLoad";
import { useEditor, useSession } from "./context";
import { DiffDialog } from "./DiffDialog";

const T = text.versions;

export default function VersionsPanel() {
  const session = useSession();
  const flow = useEditor((s) => s.flow);
  const loaded = useLoad(`versions ${flow.id} ${flow.draftVersion} ${flow.activeVersion}`, () => api.versions(flow.id));
  const [shown, setShown] = useState<{ title: string; before: Work; after: Work } | null>(null);
  const saveWithNote = async (): Promise<void> => {
    const note = await ask({ title: T.noteTitle, body: "", action: text.common.save, input: { label: T.note, value: "" } });
    if (note !== null) await session.save(note);
  };
  const content = async (version: FlowVersion): Promise<Work | null> => {
    try {
      const kept = await api.version(flow.id, version.version);
      return kept.document && workOf(kept);
    } catch (error) {
      toast(asProblem(error).message, "bad");
      return null;
    }
  };
  const compare = async (version: FlowVersion): Promise<void> => {
    const before = await content(version);
    if (before) setShown({ title: T.compareTitle(version.version), before, after: session.state });
  };
  const restore = async (version: FlowVersion): Promise<void> => {
    const work = await content(version);
    if (!work) return;
    session.applyWork(work, T.restoredStep(version.version));
    toast(T.restored(version.version), "plain", { label: text.common.undo, run: () => session.undo() });
  };
  const fromFile = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    await tell(
      api.importText(await file.text()).then((found) => {
        if (found.document) setShown({ title: T.compareFile(file.name), before: { doc: found.document, notes: session.state.notes }, after: session.state });
        else toast(text.upload.unreadable, "bad");
      }),
    );
  };
  if (loaded.state === "failed") return <ProblemView problem={loaded.problem} again={loaded.again} />;
  return (
    <div className="versions">
      <div className="row">
        <p className="faint grow">{T.lead}</p>
        <label className="btn small" tabIndex={0}>
          {T.withFile}
          <input type="file" accept=".json,application/json" hidden onChange={(event) => void fromFile(event.target.files?.[0])} />
        </label>
        <Button small icon="save" onClick={() => void saveWithNote()}>
          {T.saveWithNote}
        </Button>
      </div>
      <ul>
        {(loaded.value ?? []).map((version) => (
          <li key={version.version} className="version">
            <strong>{T.version(version.version)}</strong>
            {version.version === flow.activeVersion && <span className="badge good">{text.flows.active}</span>}
            <span className="grow clip">{version.note ?? <span className="faint">{T.noNote}</span>}</span>
            <span className="faint">
              {version.author} · <Ago at={version.at} />
            </span>
            <Button small icon="diff" onClick={() => void compare(version)}>
              {T.compare}
            </Button>
            <Button small icon="history" onClick={() => void restore(version)}>
              {T.restore}
            </Button>
            {version.version !== flow.activeVersion && (
              <Button
                small
                onClick={() =>
                  void tell(
                    api.activate(flow.id, version.version).then((next) => {
                      session.flowChanged(next);
                      toast(text.flows.activated(version.version), "good");
                    }),
                  )
                }
              >
                {text.flows.activate}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {shown && <DiffDialog {...shown} catalogue={session.catalogue} onClose={() => setShown(null)} />}
    </div>
  );
}
