import { useState } from "react";
import { line, type Cache } from "../api/console";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Empty, Notice } from "../ui/states";
import type { Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { toast } from "../ui/toast";
import { age, count, ratio } from "./figures";
import { Frame, Polling, Tile } from "./parts";
import { Sheet } from "./Sheet";
import { Spark } from "./Spark";
import { usePoll } from "./usePoll";
import { useSeries } from "./useSeries";
import "./console.css";

const T = consoleText.cache;

/** `#/cache`: how often reads were answered without Salesforce, and what may be. */
export default function CachePage() {
  const polled = usePoll("cache", (signal) => line.cache(signal));
  if (polled.problem?.status === 404) {
    return (
      <Frame title={T.title}>
        <div className="card">
          <Empty icon="data" title={T.none}>
            {polled.problem.detail}
          </Empty>
        </div>
      </Frame>
    );
  }
  return (
    <Frame title={T.title} lead={T.lead}>
      <Polling polled={polled}>{(cache) => <Shown cache={cache} />}</Polling>
    </Frame>
  );
}

interface Rule {
  what: string;
  secs: number;
  variable: string;
}

const RULES: Column<Rule>[] = [
  { key: "what", title: T.columns.what, cell: (r) => r.what },
  { key: "secs", title: T.columns.age, numeric: true, sort: (r) => r.secs, cell: (r) => age(r.secs * 1000) },
  { key: "variable", title: T.columns.variable, cell: (r) => <code>{r.variable}</code> },
];

function Shown({ cache }: { cache: Cache }) {
  const series = useSeries();
  const reads = cache.hits + cache.misses + cache.stale;
  const recent = ratio(series, (s) => s.hits, (s) => s.hits + s.misses + s.stale);
  const rules: Rule[] = [
    { what: T.fresh, secs: cache.freshSecs, variable: "TIELINE_CACHE_FRESH_SECS" },
    ...cache.objects.map((o) => ({ what: T.freshOf(o.object), secs: o.freshSecs, variable: "TIELINE_CACHE_FRESH_SECS" })),
    { what: T.negative, secs: cache.negativeSecs, variable: "TIELINE_CACHE_NEGATIVE_SECS" },
    { what: T.stale, secs: cache.staleSecs, variable: "TIELINE_CACHE_STALE_SECS" },
  ];
  const part = (of: number): string => (reads === 0 ? "" : T.part(Math.round((of / reads) * 100)));
  return (
    <div className="stack wide-gap">
      {cache.trouble !== null && <Notice tone="warn">{T.trouble(cache.trouble)}</Notice>}
      {cache.salesforceDown && <Notice tone="warn">{T.salesforceDown}</Notice>}
      <div className="tiles five">
        <Tile name={T.hits} value={count(cache.hits)} note={part(cache.hits)}>
          <Spark values={series.map((s) => s.hits)} label={T.plot(T.hits)} />
        </Tile>
        <Tile name={T.misses} value={count(cache.misses)} note={part(cache.misses)}>
          <Spark values={series.map((s) => s.misses)} label={T.plot(T.misses)} />
        </Tile>
        <Tile name={T.staleReplies} value={count(cache.stale)} note={part(cache.stale)} tone={cache.stale > 0 ? "warn" : ""}>
          <Spark values={series.map((s) => s.stale)} label={T.plot(T.staleReplies)} />
        </Tile>
        <Tile name={T.rate} value={recent === null ? "–" : `${Math.round(recent * 100)} %`} note={T.lastHour} />
        <Tile name={T.held} value={count(cache.held)} note={T.heldMost(cache.heldMost)} />
      </div>
      <Sheet title={T.rules} name="cache-rules" rows={rules} columns={RULES} id={(r) => r.what} flat={(r) => ({ ...r })} empty={null} />
      <Forget />
    </div>
  );
}

function Forget() {
  const [record, setRecord] = useState("");
  const [busy, setBusy] = useState(false);
  const id = record.trim();
  const odd = id !== "" && !/^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(id);
  const forget = async (): Promise<void> => {
    setBusy(true);
    if (await tell(line.forget(id))) {
      toast(T.forgotten(id), "good");
      setRecord("");
    }
    setBusy(false);
  };
  return (
    <section className="card padded" aria-labelledby="forget">
      <h2 id="forget">{T.forget}</h2>
      <p className="quiet below">{T.forgetLead}</p>
      <form
        className="ask"
        onSubmit={(event) => {
          event.preventDefault();
          if (id !== "" && !odd) void forget();
        }}
      >
        <Field label={T.record} hint={T.recordHint} wrong={odd ? T.odd : undefined}>
          {(ids) => <input {...ids} className="input mono" value={record} spellCheck={false} autoComplete="off" onChange={(event) => setRecord(event.target.value)} />}
        </Field>
        <Button type="submit" disabled={busy || id === "" || odd}>
          {T.forget}
        </Button>
      </form>
    </section>
  );
}
