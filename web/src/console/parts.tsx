import { useEffect, useState, type ReactNode } from "react";
import type { Moment } from "../api/console";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Notice, ProblemView } from "../ui/states";
import { TableSkeleton } from "../ui/Table";
import { ago } from "../ui/time";
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

const parts = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
const clock = new Intl.DateTimeFormat("en", parts);
const dated = new Intl.DateTimeFormat("en", { ...parts, year: "numeric" });

/** A time to the second: what happened first matters here. The year stands there where it is another. */
export function At({ at }: { at: number }) {
  const date = new Date(at);
  const iso = date.toISOString();
  return (
    <time className="nowrap" dateTime={iso} title={`${ago(at)}, ${iso}`}>
      {(date.getFullYear() === new Date().getFullYear() ? clock : dated).format(at)}
    </time>
  );
}

/** A time, and how long after another one it was. */
export function After({ at, since }: { at: number; since: number }) {
  const passed = at - since;
  return (
    <>
      <At at={at} /> <span className="faint nowrap">+{passed < 10_000 ? `${(passed / 1000).toFixed(passed < 1000 ? 3 : 1)} s` : age(passed)}</span>
    </>
  );
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
