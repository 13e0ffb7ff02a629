import { line, type Counted, type Overview, type Signature } from "../api/console";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Empty, Notice } from "../ui/states";
import { Table, type Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { Ago } from "../ui/time";
import { toast } from "../ui/toast";
import { Fact, Frame, Polling, SaveButtons } from "./parts";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.overview;

/** `#/overview`: what needs a person, and how the line runs. */
export default function OverviewPage() {
  const polled = usePoll("overview", (signal) => line.overview(signal));
  return (
    <Frame title={T.title} lead={T.lead}>
      <Polling polled={polled}>{(overview) => <Shown overview={overview} again={polled.again} />}</Polling>
    </Frame>
  );
}

function Shown({ overview, again }: { overview: Overview; again: () => void }) {
  return (
    <div className="stack wide-gap">
      {overview.trouble !== null && <Notice tone="bad">{overview.trouble}</Notice>}
      <Line overview={overview} again={again} />
      <section className="card">
        <div className="section-head">
          <h2 className="grow">
            {T.dead}
          </h2>
          {overview.dead.length > 0 && <SaveButtons name="dead-letters-by-cause" rows={overview.dead.map((s) => ({ ...s, fields: s.fields.join(" ") }))} all={overview.dead} />}
        </div>
        {overview.deadMore && <p className="quiet inset">{T.deadMore}</p>}
        {overview.dead.length === 0 ? (
          <Empty icon="check" title={T.deadNone}>
            {T.deadNoneBody}
          </Empty>
        ) : (
          <Table label={T.dead} rows={overview.dead} columns={CAUSES} id={(s) => `${s.object} ${s.code} ${s.fields.join()}`} initial={{ key: "count", down: true }} />
        )}
      </section>
      <Metrics counted={overview.counted} />
    </div>
  );
}

function Line({ overview, again }: { overview: Overview; again: () => void }) {
  const { queue, worker } = overview;
  const turn = (on: boolean): void =>
    void tell((on ? line.resume() : line.pause()).then(() => toast(on ? T.resumedToast : T.pausedToast, "good"))).then(again);
  return (
    <dl className="figures">
      <Fact name={T.queue}>
        {overview.accepting ? (
          <span className="badge good">
            <Icon name="check" size={12} /> {T.accepting}
          </span>
        ) : (
          <span className="badge bad">
            <Icon name="error" size={12} /> {T.refusing}
          </span>
        )}
      </Fact>
      <Fact name={T.waiting}>{queue ? <strong>{queue.waiting}</strong> : <span className="faint">{T.noQueue}</span>}</Fact>
      <Fact name={T.inFlight}>{queue ? <strong>{queue.inFlight}</strong> : <span className="faint">{T.noQueue}</span>}</Fact>
      <Fact name={T.doubt} hint={T.doubtHint}>
        <a href={href(["contacts"])}>
          <strong>{overview.doubt}</strong>
        </a>
      </Fact>
      <Fact name={T.usage}>{overview.usagePercent === null ? <span className="faint">{T.usageUnknown}</span> : <Usage percent={overview.usagePercent} />}</Fact>
      <Fact name={T.worker}>
        {worker === null ? (
          <span className="faint">{T.elsewhere}</span>
        ) : (
          <span className="row">
            <span className={worker.running ? "badge good" : "badge warn"}>
              <Icon name={worker.running ? "play" : "pause"} size={12} /> {worker.running ? T.running : T.paused}
            </span>
            <Button small icon={worker.running ? "pause" : "play"} onClick={() => turn(!worker.running)}>
              {worker.running ? T.pause : T.resume}
            </Button>
          </span>
        )}
      </Fact>
    </dl>
  );
}

function Usage({ percent }: { percent: number }) {
  return (
    <span className="row">
      <strong>{percent.toFixed(percent < 10 ? 1 : 0)} %</strong>
      <meter min={0} max={100} low={70} high={90} optimum={0} value={percent} aria-label={T.usage} />
    </span>
  );
}

const CAUSES: Column<Signature>[] = [
  {
    key: "what",
    title: T.columns.what,
    sort: (s) => `${s.object} ${s.code}`,
    cell: (s) => (
      <div className="two-lines">
        <a href={href(["dead-letters"], { ...(s.object ? { object: s.object } : {}), code: s.code })}>
          {s.object || T.noObject} · {s.code}
        </a>
        <span className="faint">{s.message}</span>
      </div>
    ),
  },
  { key: "fields", title: T.columns.fields, cell: (s) => s.fields.map((field) => <code key={field}>{field} </code>) },
  { key: "count", title: T.columns.count, numeric: true, sort: (s) => s.count, cell: (s) => s.count },
  { key: "newest", title: T.columns.newest, sort: (s) => s.newest, cell: (s) => <span className="quiet"><Ago at={s.newest} /></span> },
];

/** Durations and sizes are means; everything else is a sum. The allowance has its own place above. */
function figure(c: Counted): string {
  if (c.name === "Duration") return `${Math.round(c.sum / c.count)} ms`;
  if (c.name === "RecordsPerCall") return (c.sum / c.count).toFixed(1);
  return String(c.sum);
}

function Metrics({ counted }: { counted: Counted[] }) {
  const seen = counted.filter((c) => c.count > 0 && c.name !== "ApiUsagePercent");
  return (
    <section className="card" aria-labelledby="counted">
      <div className="section-head">
        <h2 id="counted">{T.counted}</h2>
      </div>
      {seen.length === 0 ? (
        <p className="quiet inset">{T.countedNone}</p>
      ) : (
        <dl className="facts">
          {seen.map((c) => (
            <div key={c.name}>
              <dt>{T.metrics[c.name] ?? c.name}</dt>
              <dd>{figure(c)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
