import { line, type Counted, type Overview, type Sample } from "../api/console";
import { useLive } from "../api/live";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Empty } from "../ui/states";
import type { Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { toast } from "../ui/toast";
import { Attention } from "./Attention";
import { Causes } from "./Causes";
import { count, ratio, sum } from "./figures";
import { Age, At, Frame, Polling, Tile } from "./parts";
import { Sheet } from "./Sheet";
import { Spark } from "./Spark";
import { usePoll } from "./usePoll";
import { useSeries } from "./useSeries";
import "./console.css";

const T = consoleText.overview;

/** `#/overview`: what needs a person first, and how the line runs. */
export default function OverviewPage() {
  const live = useLive();
  const polled = usePoll("overview", (signal) => line.overview(signal), live.open ? 30_000 : 2_000, false);
  // What the stream says is newer than any question: an old failure to ask is nobody's business then.
  const shown = live.open && live.overview ? { ...polled, value: live.overview, problem: null } : polled;
  const overview = shown.value;
  return (
    <Frame title={T.title} lead={T.lead} actions={<Actions overview={overview} live={live.tried ? live.open : null} again={polled.again} />}>
      <Polling polled={shown}>{(shown) => <Shown overview={shown} />}</Polling>
    </Frame>
  );
}

function Actions({ overview, live, again }: { overview: Overview | null; live: boolean | null; again: () => void }) {
  const worker = overview?.worker ?? null;
  const turn = (on: boolean): void =>
    void tell((on ? line.resume() : line.pause()).then(() => toast(on ? T.resumedToast : T.pausedToast, "good"))).then(again);
  return (
    <>
      {live !== null && (
        <span className="badge" title={live ? T.liveHint : T.pollingHint}>
          <i className={live ? "pulse on" : "pulse"} aria-hidden="true" /> {live ? T.live : T.polling}
        </span>
      )}
      {worker !== null && (
        <>
          <span className={worker.running ? "badge good" : "badge warn"}>
            <Icon name={worker.running ? "play" : "pause"} size={12} /> {worker.running ? T.running : T.paused}
          </span>
          <Button icon={worker.running ? "pause" : "play"} onClick={() => turn(!worker.running)}>
            {worker.running ? T.pause : T.resume}
          </Button>
        </>
      )}
    </>
  );
}

function Shown({ overview }: { overview: Overview }) {
  const series = useSeries();
  const seen = overview.counted.filter((c) => c.count > 0 && !GAUGES.includes(c.name));
  return (
    <div className="stack wide-gap">
      <Attention overview={overview} />
      <Figures overview={overview} series={series} />
      <Causes dead={overview.dead} more={overview.deadMore} />
      <Sheet
        title={T.counted}
        name="counted"
        rows={seen}
        columns={COUNTED}
        id={(c) => c.name}
        flat={(c) => ({ ...c })}
        empty={
          <Empty icon="data" title={T.countedNone}>
            {T.countedNoneBody}
          </Empty>
        }
      />
    </div>
  );
}

function Figures({ overview, series }: { overview: Overview; series: Sample[] }) {
  const { queue, budget, doubt } = overview;
  const minutes = series.length / 6;
  const each = (of: (sample: Sample) => number | null): (number | null)[] => series.map(of);
  const perCall = ratio(series, (s) => s.records, (s) => s.batches);
  const hits = ratio(series, (s) => s.hits, (s) => s.hits + s.misses + s.stale);
  return (
    <div className="tiles">
      <Tile name={T.accepting} value={overview.accepting ? T.yes : T.no} tone={overview.accepting ? "good" : "bad"} note={minutes > 0 ? T.acceptedHour(count(sum(series, (s) => s.accepted))) : T.noHour}>
        <Spark values={each((s) => s.accepted)} label={T.plots.accepted} />
      </Tile>
      <Tile name={T.depth} to={href(["writes"])} value={queue ? count(queue.waiting + queue.inFlight) : "–"} note={queue ? T.inFlight(count(queue.inFlight)) : T.noQueue}>
        <Spark values={each((s) => s.depth)} label={T.plots.depth} />
      </Tile>
      <Tile name={T.oldest} to={href(["writes"])} value={queue?.oldestAt ? <Age since={queue.oldestAt} /> : "–"} note={queue && queue.oldestAt === null ? (queue.waiting + queue.inFlight > 0 ? T.oldestElsewhere : T.nothingWaits) : T.oldestNote}>
        <Spark values={each((s) => s.oldestMs)} label={T.plots.oldest} />
      </Tile>
      <Tile name={T.calls} value={minutes > 0 ? count(sum(series, (s) => s.calls) / minutes) : "–"} note={T.perMinute}>
        <Spark values={each((s) => s.calls)} label={T.plots.calls} />
      </Tile>
      <Tile name={T.perCall} value={perCall === null ? "–" : count(perCall)} note={T.lastHour}>
        <Spark values={each((s) => (s.batches === 0 ? 0 : s.records / s.batches))} label={T.plots.perCall} />
      </Tile>
      <Tile name={T.hits} to={href(["cache"])} value={hits === null ? "–" : `${Math.round(hits * 100)} %`} note={T.lastHour}>
        <Spark values={each((s) => (s.hits + s.misses + s.stale === 0 ? 0 : s.hits / (s.hits + s.misses + s.stale)))} label={T.plots.hits} most={1} />
      </Tile>
      <Tile
        name={T.usage}
        value={budget ? `${count(budget.percent)} %` : "–"}
        tone={budget ? (budget.percent >= 95 ? "bad" : budget.percent >= 85 || budget.stopsAt !== null ? "warn" : "") : ""}
        note={budget ? <Forecast budget={budget} watched={minutes > 0} /> : T.usageUnknown}
      >
        {budget && (
          <div className="bar" role="meter" aria-label={T.usage} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(budget.percent)}>
            <i style={{ width: `${Math.min(100, budget.percent)}%` }} />
          </div>
        )}
      </Tile>
      <Tile name={T.doubt} to={href(["writes"])} value={doubt ?? "–"} tone={doubt ? "warn" : ""} note={doubt === null ? consoleText.untold : doubt > 0 ? T.doubtNote : T.doubtNone} />
    </div>
  );
}

/** What the day's calls come to at this pace; nothing of it where nobody watches their rise. */
function Forecast({ budget, watched }: { budget: NonNullable<Overview["budget"]>; watched: boolean }) {
  const spent = T.usedOf(count(budget.used), count(budget.limit));
  if (budget.percent >= 95) return <>{spent}. {budget.reads ? T.stopped : T.readsStopped}</>;
  if (budget.stopsAt !== null) return <>{spent}. {T.stops} <At at={budget.stopsAt} /></>;
  if (budget.perHour !== null) return <>{spent}. {T.lasts}</>;
  return <>{spent}. {watched && T.forecastLater}</>;
}

/** What is measured and not counted stands in the figures above. */
const GAUGES = ["ApiUsagePercent", "QueueDepth", "OldestAgeSeconds"];

/** Durations and sizes are means; everything else is a sum. */
function figure(c: Counted): string {
  if (c.name === "Duration") return `${count(c.sum / c.count)} ms`;
  return count(c.name === "RecordsPerCall" ? c.sum / c.count : c.sum);
}

const COUNTED: Column<Counted>[] = [
  { key: "name", title: T.columns.counted, sort: (c) => T.metrics[c.name] ?? c.name, cell: (c) => T.metrics[c.name] ?? c.name },
  { key: "metric", title: T.columns.metric, cell: (c) => <code>{c.name}</code> },
  { key: "figure", title: T.columns.figure, numeric: true, cell: figure },
];
