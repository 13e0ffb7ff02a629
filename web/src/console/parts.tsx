import { useEffect, useState, type ReactNode } from "react";
import type { Moment } from "../api/console";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Notice, ProblemView } from "../ui/states";
import { TableSkeleton } from "../ui/Table";
import { age } from "./figures";
import { saveCsv, saveJson, type Cell } from "./table";
import type { Polled } from "./usePoll";

export function Frame({ title, lead, actions, children }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="page console">
      <header className="page-head">
        <div className="grow">
          <h1>{title}</h1>
          {lead && <p>{lead}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** Loading, the answer, or the problem; an older answer stays in sight and says that it is old. */
export function Polling<T>({ polled, children }: { polled: Polled<T>; children: (value: T) => ReactNode }) {
  const { value, problem, again } = polled;
  if (value === null) return <div className="card">{problem ? <ProblemView problem={problem} again={again} /> : <TableSkeleton columns={4} />}</div>;
  return (
    <>
      {problem && (
        <div className="below">
          <Notice tone="warn">{problem.offline ? consoleText.stale : [problem.title, problem.detail].filter(Boolean).join(": ")}</Notice>
        </div>
      )}
      {children(value)}
    </>
  );
}

export function SaveButtons({ name, rows, all }: { name: string; rows: Record<string, Cell>[]; all: unknown }) {
  return (
    <span className="row">
      <Button small icon="download" onClick={() => saveCsv(name, rows)}>
        {consoleText.exportCsv}
      </Button>
      <Button small icon="download" onClick={() => saveJson(name, all)}>
        {consoleText.exportJson}
      </Button>
    </span>
  );
}

/** One figure: what it is, how much, and what to make of it; a plot or a button below. */
export function Tile({ name, value, note, tone = "", to, children }: { name: string; value: ReactNode; note?: ReactNode; tone?: string; to?: string; children?: ReactNode }) {
  return (
    <section className={`tile ${tone}`} aria-label={name}>
      <h2>{to ? <a href={to}>{name}</a> : name}</h2>
      <p className="value">{value}</p>
      {note && <p className="note">{note}</p>}
      {children}
    </section>
  );
}

/** How long ago, counting on. */
export function Age({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time className="nowrap" dateTime={new Date(since).toISOString()} title={clock.format(since)}>
      {age(now - since)}
    </time>
  );
}

export function Fact({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <div>
      <dt title={hint}>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const clock = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

/** A time to the second: what happened first matters here. */
export function At({ at }: { at: number }) {
  return <time dateTime={new Date(at).toISOString()}>{clock.format(at)}</time>;
}

export function History({ moments }: { moments: Moment[] }) {
  return (
    <ol className="moments">
      {moments.map((moment, place) => (
        <li key={place}>
          <span className="faint">
            <At at={moment.at} />
          </span>{" "}
          {moment.what} {moment.code && <code>{moment.code}</code>}
        </li>
      ))}
    </ol>
  );
}
