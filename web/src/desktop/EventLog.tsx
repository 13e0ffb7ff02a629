import { useState } from "react";
import { href } from "../app/router";
import type { Catalogue } from "../flow/catalogue";
import type { LogEntry } from "../host/gate";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { usePick } from "../ui/store";
import { Caret } from "../ui/Table";
import type { SimDesktop } from "./sim";

const T = text.desktop;
const TONE: Record<LogEntry["state"], string> = { queued: "info", sent: "info", ran: "good", none: "", elsewhere: "", dropped: "warn", failed: "bad" };

/** What happened, which flow ran, or why none did. */
export function EventLog({ desktop, catalogue }: { desktop: SimDesktop; catalogue: Catalogue }) {
  const log = usePick(desktop.store, (s) => s.log);
  const [open, setOpen] = useState(true);
  const [onlyRuns, setOnlyRuns] = useState(false);
  const shown = log.filter((entry) => !onlyRuns || entry.runs.length > 0);
  return (
    <section className={open ? "event-log open" : "event-log"} aria-label={T.log}>
      <header>
        <button type="button" className="section-head" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Caret open={open} /> <h2>{T.log}</h2> <span className="faint">{log.length}</span>
        </button>
        <Button small kind="ghost" aria-pressed={onlyRuns} onClick={() => setOnlyRuns(!onlyRuns)}>
          {T.onlyRuns}
        </Button>
      </header>
      {open && (
        <ol tabIndex={0} aria-label={T.log}>
          {shown.length === 0 && <li className="quiet none">{T.logEmpty}</li>}
          {shown.map((entry) => (
            <li key={entry.happening.id} data-event={entry.happening.event}>
              <time className="mono faint">{new Date(entry.at).toLocaleTimeString("en-GB")}</time>
              <span className="what">
                <strong>{entry.happening.event}</strong> <span className="quiet">{catalogue.sourceLabel(entry.happening.source)}</span>
              </span>
              <span className={`badge ${TONE[entry.state]}`}>{T.logStates[entry.state]}</span>
              <span className="became">
                {entry.runs.map((run) => (
                  <span key={run.id}>
                    {run.flowName} <a href={href(["flows", run.flowId ?? "", "editor"], { run: run.id })}>{T.runOf(text.test.status[run.status] ?? run.status)}</a>
                  </span>
                ))}
                {entry.reason && <span className="quiet">{entry.reason}</span>}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
