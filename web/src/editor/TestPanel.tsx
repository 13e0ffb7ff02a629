import { useReactFlow } from "@xyflow/react";
import { useEffect, useMemo, useState } from "react";
import { api } from "../api/client";
import type { FlowEvent, Json, Outcome, Run, TraceEntry } from "../api/types";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { ago } from "../ui/time";
import { useLoad } from "../ui/useLoad";
import { useEditor, useSession } from "./context";
import { goTo } from "./keys";
import { sampleEvent, sampleOutcome } from "./samples";
import { useTestRun } from "./useTestRun";

const T = text.test;

export default function TestPanel() {
  const session = useSession();
  const flow = useEditor((s) => s.flow);
  const run = useEditor((s) => s.run);
  const [phone, setPhone] = useState("+12065550142");
  const sample = useMemo(() => sampleEvent(session.catalogue, flow.source, flow.event, phone), [session, flow.source, flow.event, phone]);
  const [edited, setEdited] = useState<string | null>(null);
  const [auto, setAuto] = useState(true);
  const test = useTestRun();
  const event = edited === null ? sample : readEvent(edited);
  return (
    <div className="test">
      <div className="test-setup stack">
        <p>
          <span className="faint">{T.event}</span> <strong>{[session.catalogue.sourceLabel(flow.source), flow.event].filter(Boolean).join(" · ")}</strong>
        </p>
        {edited === null ? (
          <div className="row">
            {sample.contact && (
              <label className="field grow">
                <span className="label">{T.number}</span>
                <input className="input" value={phone} onChange={(e) => setPhone(e.target.value)} />
              </label>
            )}
            <Button small className="end" onClick={() => setEdited(JSON.stringify(sample, null, 2))}>
              {T.edit}
            </Button>
          </div>
        ) : (
          <label className="field">
            <span className="label">{T.sampleJson}</span>
            <textarea className="input mono" rows={5} spellCheck={false} value={edited} onChange={(e) => setEdited(e.target.value)} aria-invalid={event === null} />
            {event === null && <span className="wrong">{T.badJson}</span>}
          </label>
        )}
        <label className="check" title={T.autoHint}>
          <input type="checkbox" checked={auto} onChange={(e) => setAuto(e.target.checked)} /> {T.auto}
        </label>
        <div className="row">
          <Button kind="primary" small icon="play" disabled={test.busy || event === null} onClick={() => event && void test.start(event, auto)}>
            {T.run}
          </Button>
          {run && (run.status === "waiting" || run.status === "running") && (
            <Button small icon="stop" onClick={() => void test.stop()}>
              {T.stop}
            </Button>
          )}
          {run && (
            <>
              <Button small onClick={() => session.showRun(null)}>
                {T.clear}
              </Button>
              <Button small icon="people" onClick={() => session.store.set({ sharing: true })}>
                {text.share.action}
              </Button>
            </>
          )}
        </div>
        <PastRuns flowId={flow.id} version={flow.draftVersion} />
      </div>
      <div className="test-trace">
        {run ? (
          <>
            <Replay run={run} />
            {run.pending && <Answer key={`${run.id} ${run.pending.actionId}`} run={run} event={event ?? sample} onAnswer={test.answer} busy={test.busy} />}
            <TraceList run={run} />
          </>
        ) : (
          <p className="quiet">{T.nothing}</p>
        )}
      </div>
    </div>
  );
}

function readEvent(written: string): FlowEvent | null {
  try {
    return JSON.parse(written) as FlowEvent;
  } catch {
    return null;
  }
}

function PastRuns({ flowId, version }: { flowId: string; version: number }) {
  const session = useSession();
  const loaded = useLoad(`runs ${flowId} ${version}`, () => api.runs({ flow: flowId }));
  const runs = loaded.value ?? [];
  if (runs.length === 0) return null;
  return (
    <label className="field">
      <span className="label">{T.past}</span>
      <select className="input" value="" onChange={(e) => void api.run(e.target.value).then((kept) => session.showRun(kept))}>
        <option value="">{T.choosePast}</option>
        {runs.slice(0, 50).map((past) => (
          <option key={past.id} value={past.id}>
            {[past.startedAt === undefined ? past.id : ago(past.startedAt), T.status[past.status] ?? past.status].join(" · ")}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Back and forth through a finished run; the stage shows the state at that step. */
function Replay({ run }: { run: Run }) {
  const session = useSession();
  const shown = useEditor((s) => s.shownSteps);
  const all = run.trace.length;
  const now = shown ?? all;
  const bad = !["completed", "running", "waiting"].includes(run.status);
  return (
    <div className="row replay">
      <span className={`badge ${run.status === "completed" ? "good" : bad ? "bad" : "info"}`} data-status={run.status}>
        {T.status[run.status] ?? run.status}
      </span>
      <input type="range" min={0} max={all} value={now} aria-label={T.replay} onChange={(e) => session.showRun(run, Number(e.target.value) === all ? null : Number(e.target.value))} />
      <span className="faint">{T.steps(now, all)}</span>
    </div>
  );
}

function Answer({ run, event, onAnswer, busy }: { run: Run; event: FlowEvent; onAnswer: (outcome: Outcome) => Promise<void>; busy: boolean }) {
  const session = useSession();
  const pending = run.pending;
  const block = session.catalogue.block(pending?.type ?? "");
  const proposal = sampleOutcome(block, pending?.inputs ?? {}, event);
  const [written, setWritten] = useState(proposal.kind === "success" ? JSON.stringify(proposal.results) : "{}");
  const results = parse(written);
  if (!pending) return null;
  const fail: Outcome = { kind: "failure", exception: { name: "TestFailure", message: T.failureMessage } };
  return (
    <div className="answer card">
      <p>
        <strong>{T.waitingFor(block?.title ?? pending.type)}</strong> <span className="faint">{pending.actionId}</span>
      </p>
      {block?.shape === "diamond" ? (
        <div className="row">
          <Button small disabled={busy} onClick={() => void onAnswer({ kind: "branch", value: true })}>
            {T.answerTrue}
          </Button>
          <Button small disabled={busy} onClick={() => void onAnswer({ kind: "branch", value: false })}>
            {T.answerFalse}
          </Button>
        </div>
      ) : (
        <div className="row">
          <input className="input mono grow" aria-label={T.resultsJson} spellCheck={false} value={written} aria-invalid={results === undefined} onChange={(e) => setWritten(e.target.value)} />
          <Button small kind="primary" disabled={busy || results === undefined} onClick={() => results !== undefined && void onAnswer({ kind: "success", results })}>
            {T.answerSuccess}
          </Button>
          <Button small kind="danger" disabled={busy} onClick={() => void onAnswer(fail)}>
            {T.answerFailure}
          </Button>
        </div>
      )}
    </div>
  );
}

function parse(written: string): Json | undefined {
  try {
    return JSON.parse(written) as Json;
  } catch {
    return undefined;
  }
}

const MARK: Record<TraceEntry["phase"], string> = { enter: "", perform: "…", exit: "✓", ignored: "–", end: "■" };

function TraceList({ run }: { run: Run }) {
  const session = useSession();
  const flow = useReactFlow();
  const shown = useEditor((s) => s.shownSteps);
  useEffect(() => {
    document.querySelector(".trace-list [aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [shown]);
  return (
    <ol className="trace-list" aria-label={T.trace}>
      {run.trace.map((entry, n) =>
        entry.phase === "enter" || !entry.action ? null : (
          <li key={entry.seq} aria-current={shown === n + 1 ? "true" : undefined}>
            <button
              type="button"
              onClick={() => {
                session.showRun(run, n + 1 === run.trace.length ? null : n + 1);
                if (entry.action) goTo(session, flow, entry.action);
              }}
            >
              <span className="mono faint">{Math.round(entry.tMs)} ms</span>
              <span className={`mark ${entry.exception ? "bad" : ""}`}>{entry.exception ? "✕" : MARK[entry.phase]}</span>
              <span className="clip">{entry.phase === "end" ? text.trace.end : (entry.title ?? entry.action)}</span>
              <span className="faint">{entry.action}</span>
              {entry.phase === "end" && entry.outcome && <span className="badge">{T.status[entry.outcome] ?? entry.outcome}</span>}
              {entry.port && <span className="badge">{text.ports[entry.port] ?? entry.port}</span>}
              {(entry.unresolved?.length ?? 0) > 0 && <span className="badge warn">{text.trace.missing(entry.unresolved?.length ?? 0)}</span>}
              {entry.note && <span className="faint clip">{entry.note}</span>}
              {entry.exception && <span className="wrong clip">{entry.exception.message}</span>}
            </button>
          </li>
        ),
      )}
    </ol>
  );
}
