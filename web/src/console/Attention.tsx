import type { Overview } from "../api/console";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Icon } from "../ui/Icon";
import { age } from "./figures";

const T = consoleText.attention;
/** From this age on the oldest write is worth a look; the alarm of the stack rings here too. */
const LATE = 600_000;

interface Item {
  tone: "bad" | "warn";
  what: string;
  todo: string;
  to?: string;
}

/** What needs a person, the gravest first. */
function items(overview: Overview): Item[] {
  const { troubles, worker, queue, budget, dead, doubt, deadMore } = overview;
  const found: Item[] = troubles.map((what) => ({ tone: "bad", what, todo: T.doctor, to: href(["doctor"]) }));
  if ((overview.counted.find((c) => c.name === "CredentialsRefused")?.count ?? 0) > 0 && (queue?.waiting ?? 0) + (queue?.inFlight ?? 0) > 0)
    found.push({ tone: "bad", what: T.credentials, todo: T.doctor, to: href(["doctor"]) });
  if (budget && budget.percent >= 95) found.push({ tone: "bad", what: T.stopped, todo: T.spenders });
  else if (budget && (budget.percent >= 85 || budget.stopsAt !== null)) found.push({ tone: "warn", what: T.near(Math.round(budget.percent)), todo: T.spenders });
  if (worker && !worker.running) found.push({ tone: "warn", what: T.paused, todo: T.resume });
  if (queue?.oldestAt && Date.now() - queue.oldestAt > LATE) found.push({ tone: "warn", what: T.late(age(Date.now() - queue.oldestAt)), todo: T.look, to: href(["writes"]) });
  const letters = dead.reduce((total, signature) => total + signature.count, 0);
  if (letters > 0) found.push({ tone: "warn", what: T.letters(deadMore ? `${letters}+` : String(letters), dead.length), todo: T.mend, to: href(["dead-letters"]) });
  if (doubt > 0) found.push({ tone: "warn", what: T.doubt(doubt), todo: T.wait, to: href(["writes"]) });
  return found;
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
      {found.map(({ tone, what, todo, to }) => (
        <li key={what} className={tone}>
          <Icon name={tone === "bad" ? "error" : "warn"} />
          <span className="grow">{what}</span>
          {to ? <a href={to}>{todo}</a> : <span className="quiet">{todo}</span>}
        </li>
      ))}
    </ul>
  );
}
