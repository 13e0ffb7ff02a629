import { line, type Write } from "../api/console";
import { useLive } from "../api/live";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Empty, Notice } from "../ui/states";
import type { Column } from "../ui/Table";
import { Halted } from "./Attention";
import { Age, At, Frame, Polling } from "./parts";
import { Sheet } from "./Sheet";
import { Status } from "./Status";
import { flatWrite } from "./table";
import { usePages } from "./usePages";
import "./console.css";

const T = consoleText.writes;

/** `#/writes`: what waits in the queue, and what is in doubt. */
export default function WritesPage() {
  return (
    <Frame title={T.title} lead={T.lead}>
      <div className="stack wide-gap">
        <Why />
        <Waiting />
        <Doubt />
      </div>
    </Frame>
  );
}

/** Why what waits is late, in a line. */
function Why() {
  const { overview } = useLive();
  if (!overview) return null;
  const { halt, worker, queue } = overview;
  const waiting = (queue?.waiting ?? 0) + (queue?.inFlight ?? 0);
  if (worker?.running === false) return <Notice tone="warn">{consoleText.attention.paused}</Notice>;
  return halt && <Notice tone="warn"><Halted halt={halt} waiting={waiting} /></Notice>;
}

const WRITE: Column<Write> = {
  key: "write",
  title: T.columns.write,
  sort: (w) => `${w.object} ${w.operation}`,
  cell: (w) => (
    <a href={href(["contacts", w.contact], { write: w.id })}>
      {w.operation} {w.object}
    </a>
  ),
};
const CONTACT: Column<Write> = { key: "contact", title: T.columns.contact, sort: (w) => w.contact, cell: (w) => <code className="clip-id">{w.contact}</code> };
const STATUS: Column<Write> = { key: "status", title: T.columns.status, sort: (w) => w.status, cell: (w) => <Status status={w.status} /> };
const ACCEPTED: Column<Write> = { key: "accepted", title: T.columns.waited, numeric: true, sort: (w) => -w.acceptedAt, cell: (w) => <Age since={w.acceptedAt} /> };
const WHY: Column<Write> = { key: "why", title: T.columns.why, sort: (w) => w.error?.code ?? "", cell: (w) => w.error && <code title={w.error.message}>{w.error.code}</code> };

const WAITING: Column<Write>[] = [
  WRITE,
  CONTACT,
  STATUS,
  WHY,
  { key: "attempts", title: T.columns.attempts, numeric: true, sort: (w) => w.attempts, cell: (w) => w.attempts },
  ACCEPTED,
];
const DOUBTFUL: Column<Write>[] = [
  WRITE,
  CONTACT,
  STATUS,
  WHY,
  { key: "settle", title: T.columns.settle, sort: (w) => w.settleAt ?? 0, cell: (w) => w.settleAt !== null && <At at={w.settleAt} /> },
  ACCEPTED,
];

/** What is in the queue, without what is in doubt: that has a list of its own. */
function Waiting() {
  const polled = usePages("waiting", line.waiting);
  if (polled.problem?.status === 404) {
    return (
      <section className="card" aria-label={T.waiting}>
        <Empty icon="list" title={T.unlisted}>
          {polled.problem.detail}
        </Empty>
      </section>
    );
  }
  return (
    <Polling polled={polled}>
      {({ rows, next }) => (
        <Sheet
          title={T.waiting}
          lead={rows.length > 0 && T.waitingLead}
          name="writes-waiting"
          rows={rows.filter((write) => write.status !== "in_doubt")}
          columns={WAITING}
          id={(w) => w.id}
          flat={flatWrite}
          more={next !== null && polled}
          empty={
            <Empty icon="check" title={T.waitingNone}>
              {T.waitingNoneBody}
            </Empty>
          }
        />
      )}
    </Polling>
  );
}

function Doubt() {
  const polled = usePages("doubt", line.doubt);
  return (
    <Polling polled={polled}>
      {({ rows, next }) => (
        <Sheet
          title={T.doubt}
          lead={rows.length > 0 && T.doubtLead}
          name="writes-in-doubt"
          rows={rows}
          columns={DOUBTFUL}
          id={(w) => w.id}
          flat={flatWrite}
          more={next !== null && polled}
          empty={
            <Empty icon="check" title={T.doubtNone}>
              {T.doubtNoneBody}
            </Empty>
          }
        />
      )}
    </Polling>
  );
}
