import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { api } from "../api/client";
import { asProblem } from "../api/problem";
import type { Flow } from "../api/types";
import { go, href, usePlace } from "../app/router";
import type { Catalogue } from "../flow/catalogue";
import { EditorSession } from "../editor/session";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Menu } from "../ui/Menu";
import { Notice, ProblemView } from "../ui/states";
import { Caret } from "../ui/Table";
import { tell } from "../ui/tell";
import { Ago } from "../ui/time";
import { toast } from "../ui/toast";
import { useLoad } from "../ui/useLoad";
import { usePick } from "../ui/store";
import { fileName, saveFile } from "./files";
import { FlowForm } from "./FlowForm";
import { cloneFlow, deleteFlow, restoreFlow, StateBadge } from "./FlowList";

const Editor = lazy(() => import("../editor/Editor"));
const T = text.record;

export function FlowRecord({ id, catalogue, full }: { id: string; catalogue: Catalogue; full: boolean }) {
  const loaded = useLoad(`flow ${id}`, (signal) => api.flow(id, signal));
  const [session, setSession] = useState<EditorSession | null>(null);
  const [raw, setRaw] = useState<string | null>(null);
  // The session lives as long as the record is open: a new answer of the server never throws the stage away.
  useEffect(() => {
    if (loaded.state !== "ready" || session) return;
    setRaw(loaded.value.document === null && loaded.value.raw ? loaded.value.raw : null);
    setSession(new EditorSession(catalogue, loaded.value));
  }, [loaded, session, catalogue]);
  const asked = usePlace().query.get("run");
  useEffect(() => {
    if (!session || asked === null) return;
    void tell(
      api.run(asked).then((run) => {
        session.showRun(run);
        session.store.set({ panel: "test" });
      }),
    );
  }, [session, asked]);
  useEffect(() => {
    const name = session?.state.flow.name;
    if (name) document.title = `${name} · ${text.product}`;
  }, [session]);
  if (!session) {
    if (loaded.state === "failed") {
      return (
        <div className="page">
          <a className="crumb" href="#/flows">
            {T.crumb}
          </a>
          <ProblemView problem={loaded.problem} again={loaded.again} />
        </div>
      );
    }
    return (
      <div className="record" aria-busy="true">
        <span className="hidden">{T.loading}</span>
        <div className="skeleton" style={{ width: 260, height: 26 }} />
        <div className="skeleton" style={{ height: 96 }} />
        <div className="skeleton" style={{ flex: 1, minHeight: 420 }} />
      </div>
    );
  }
  return <Record session={session} catalogue={catalogue} full={full} raw={raw} onRawSeen={() => setRaw(null)} />;
}

interface Props {
  session: EditorSession;
  catalogue: Catalogue;
  full: boolean;
  raw: string | null;
  onRawSeen: () => void;
}

function Record({ session, catalogue, full, raw, onRawSeen }: Props) {
  const flow = usePick(session.store, (s) => s.flow);
  const [editing, setEditing] = useState(false);
  const [open, setOpen] = useState(() => localStorage.getItem("tieline.info") !== "closed");
  const toggle = (): void => {
    localStorage.setItem("tieline.info", open ? "closed" : "open");
    setOpen(!open);
  };
  const editor = useMemo(
    () => (
      <Suspense fallback={<div className="skeleton" style={{ flex: 1 }} />}>
        <Editor session={session} />
      </Suspense>
    ),
    [session],
  );
  return (
    <div className={full ? "record full" : "record"}>
      <Head session={session} flow={flow} full={full} onEdit={() => setEditing(true)} />
      {flow.deletedAt !== null && (
        <Notice tone="warn" action={<Button small onClick={() => void restoreFlow(flow, () => session.flowChanged({ ...flow, deletedAt: null }))}>{text.flows.restore}</Button>}>
          {T.deletedNotice}
        </Notice>
      )}
      {!full && (
        <section className="card">
          <button type="button" className="section-head" aria-expanded={open} onClick={toggle}>
            <Caret open={open} /> <h2>{T.information}</h2>
          </button>
          {open && <Facts flow={flow} catalogue={catalogue} />}
        </section>
      )}
      <section className="card editor-card" aria-label={T.flow}>
        {!full && (
          <div className="section-head static">
            <h2 className="grow">{T.flow}</h2>
            <a className="btn small ghost" href={href(["flows", flow.id, "editor"])}>
              <Icon name="expand" size={14} /> {T.fullView}
            </a>
          </div>
        )}
        {raw !== null ? <InvalidScript raw={raw} name={flow.name} onContinue={onRawSeen} /> : editor}
      </section>
      {editing && (
        <FlowForm
          catalogue={catalogue}
          flow={flow}
          save={(fields) => session.saveFields(fields)}
          onClose={() => setEditing(false)}
          onDone={() => {
            setEditing(false);
            toast(text.form.saved, "good");
          }}
        />
      )}
    </div>
  );
}

function Head({ session, flow, full, onEdit }: { session: EditorSession; flow: Flow; full: boolean; onEdit: () => void }) {
  const dirty = usePick(session.store, (s) => s.dirty);
  const activate = async (): Promise<void> => {
    if (session.state.dirty && !(await session.save())) return;
    const version = session.state.flow.draftVersion;
    try {
      session.flowChanged(await api.activate(flow.id, version));
      toast(text.flows.activated(version), "good");
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 422 && problem.diagnostics.length > 0) {
        session.store.set({ diagnostics: problem.diagnostics, panel: "problems" });
        toast(text.flows.activateRefused(problem.diagnostics.filter((d) => d.severity === "error").length), "bad");
      } else toast([problem.title, problem.detail].filter(Boolean).join(": "), "bad");
    }
  };
  const current = flow.active && flow.activeVersion === flow.draftVersion && !dirty;
  return (
    <header className="record-head">
      <div className="title">
        {!full && (
          <a className="crumb" href="#/flows">
            {T.crumb}
          </a>
        )}
        <h1>
          {full && (
            <a className="btn icon ghost small" href={href(["flows", flow.id])} aria-label={T.recordView} title={T.recordView}>
              <Icon name="shrink" />
            </a>
          )}
          <span className="clip">{flow.name}</span> <StateBadge flow={flow} />
        </h1>
      </div>
      <div className="row">
        <Button icon="edit" onClick={onEdit}>
          {text.common.edit}
        </Button>
        {flow.active ? (
          <Button
            onClick={() =>
              void tell(
                api.deactivate(flow.id).then((next) => {
                  session.flowChanged(next);
                  toast(text.flows.deactivated);
                }),
              )
            }
          >
            {text.flows.deactivate}
          </Button>
        ) : null}
        {!current && (
          <Button icon="bolt" onClick={() => void activate()} disabled={flow.deletedAt !== null}>
            {text.flows.activate}
          </Button>
        )}
        <Menu
          label={text.common.more}
          trigger={<Icon name="more" />}
          className="btn icon"
          items={[
            { label: text.flows.clone, icon: "copy", run: () => void cloneFlow(flow, (copy) => go(["flows", copy.id])) },
            "rule",
            { label: text.flows.delete, icon: "trash", danger: true, run: () => void deleteFlow(flow, () => go(["flows"]), () => go(["flows", flow.id])) },
          ]}
        />
      </div>
    </header>
  );
}

function Facts({ flow, catalogue }: { flow: Flow; catalogue: Catalogue }) {
  const facts: [string, React.ReactNode][] = [
    [text.form.name, flow.name],
    [text.form.adapter, flow.adapter],
    [text.form.source, catalogue.sourceLabel(flow.source)],
    [text.form.event, flow.event || "—"],
    [text.form.description, flow.description || "—"],
    [text.form.active, flow.active ? text.common.yes : text.common.no],
    [text.form.debug, flow.debug ? text.common.yes : text.common.no],
    [text.form.order, flow.order],
    [T.versionLabel, text.flows.versionState(flow.draftVersion, flow.activeVersion)],
    [T.updated, <Ago key="at" at={flow.updatedAt} />],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What could not be read as a flow: shown, kept, never lost. */
function InvalidScript({ raw, name, onContinue }: { raw: string; name: string; onContinue: () => void }) {
  return (
    <div className="invalid stack">
      <Notice
        tone="warn"
        action={
          <span className="row">
            <Button small icon="download" onClick={() => saveFile(fileName(name).replace(/json$/, "txt"), raw, "text/plain")}>
              {T.invalidDownload}
            </Button>
            <Button small kind="primary" onClick={onContinue}>
              {T.invalidContinue}
            </Button>
          </span>
        }
      >
        <strong>{T.invalidTitle}.</strong> {T.invalidBody}
      </Notice>
      <pre className="raw" tabIndex={0}>
        {raw.slice(0, 20_000)}
      </pre>
    </div>
  );
}
