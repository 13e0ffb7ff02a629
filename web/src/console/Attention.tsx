import type { ReactNode } from "react";
import type { Overview } from "../api/console";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Icon } from "../ui/Icon";
import { age } from "./figures";
import { At } from "./parts";

const T = consoleText.attention;
/** From this age on the oldest write is worth a look; the alarm of the stack rings here too. */
const LATE = 600_000;

interface Item {
  key: string;
  tone: "bad" | "warn";
  what: ReactNode;
  todo: string;
  to?: string;
}

/** What needs a person, the gravest first. */
function items(overview: Overview): Item[] {
  const { troubles, worker, queue, halt, budget, dead, doubt, deadMore } = overview;
  const waiting = (queue?.waiting ?? 0) + (queue?.inFlight ?? 0);
  const found: Item[] = troubles.map((what) => ({ key: what, tone: "bad", what, todo: T.doctor, to: href(["doctor"]) }));
  const spent = halt?.why === "daily" || (budget !== null && budget.percent >= 95);
  if (halt?.why === "ours") found.push({ key: "halt", tone: "bad", what: <Halted halt={halt} waiting={waiting} />, todo: T.doctor, to: href(["doctor"]) });
  else if (spent) found.push({ key: "spent", tone: "bad", what: waiting > 0 ? <>{T.spent} {T.waits(waiting)} <Again halt={halt} /></> : T.stopped, todo: T.spenders });
  else if (halt) found.push({ key: "halt", tone: halt.why === "throttled" ? "warn" : "bad", what: <Halted halt={halt} waiting={waiting} />, todo: T.look, to: href(["writes"]) });
  if (!spent && budget && (budget.percent >= 85 || budget.stopsAt !== null)) found.push({ key: "near", tone: "warn", what: T.near(Math.round(budget.percent)), todo: T.spenders });
  if (worker && !worker.running) found.push({ key: "paused", tone: "warn", what: T.paused, todo: T.resume });
  if (queue?.oldestAt && Date.now() - queue.oldestAt > LATE) found.push({ key: "late", tone: "warn", what: T.late(age(Date.now() - queue.oldestAt)), todo: T.look, to: href(["writes"]) });
  const letters = (dead ?? []).reduce((total, signature) => total + signature.count, 0);
  if (letters > 0) found.push({ key: "letters", tone: "warn", what: T.letters(deadMore ? `${letters}+` : String(letters), dead?.length ?? 0), todo: T.mend, to: href(["dead-letters"]) });
  if (doubt) found.push({ key: "doubt", tone: "warn", what: T.doubt(doubt), todo: T.wait, to: href(["writes"]) });
  return found;
}

/** Why writes are late: what holds the line, and when it is tried again. */
export function Halted({ halt, waiting }: { halt: NonNullable<Overview["halt"]>; waiting: number }) {
  return (
    <>
      {T.halts[halt.why] ?? halt.why}
      {halt.error && <>: <code title={halt.error.message}>{halt.error.code}</code></>}. {T.waits(waiting)} <Again halt={halt} />
    </>
  );
}

function Again({ halt }: { halt: Overview["halt"] }) {
  return halt !== null && halt.nextAt !== null ? <>{T.again} <At at={halt.nextAt} />.</> : null;
}

export function Attention({ overview }: { overview: Overview }) {
  const found = items(overview);
  if (found.length === 0) {
    return (
      <p className="attention calm" role="status">
        <Icon name="check" /> <strong>{T.none}</strong> <span className="quiet">{T.noneBody}</span>
      </p>
    );
  }
  return (
    <ul className="attention" aria-label={T.title}>
      {found.map(({ key, tone, what, todo, to }) => (
        <li key={key} className={tone}>
          <Icon name={tone === "bad" ? "error" : "warn"} />
          <span className="grow">{what}</span>
          {to ? <a href={to}>{todo}</a> : <span className="quiet">{todo}</span>}
        </li>
      ))}
    </ul>
  );
}
