import { useState } from "react";
import { line, type FaultRule, type JournalEntry, type NewRule } from "../api/console";
import { consoleText } from "../text/console";
import { Button, IconButton } from "../ui/Button";
import { Field } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Empty } from "../ui/states";
import type { Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { toast } from "../ui/toast";
import { At, Frame, Polling } from "./parts";
import { Sheet } from "./Sheet";
import { ruleOf } from "./rule";
import { usePages } from "./usePages";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.org;

/** What the buttons tell the org, in its own words. */
const PRESETS: { label: string; hint: string; rule: NewRule }[] = [
  { label: T.presets.slow, hint: T.hints.slow, rule: { do: "latency=3s" } },
  { label: T.presets.down, hint: T.hints.down, rule: { do: "status=503" } },
  { label: T.presets.locked, hint: T.hints.locked, rule: { do: "lock" } },
  { label: T.presets.limit, hint: T.hints.limit, rule: { do: "limit=daily" } },
  { label: T.presets.lost, hint: T.hints.lost, rule: { do: "cut=after", method: "POST" } },
];

/** `#/org`: faults on demand in local mode, and what took effect there. */
export default function OrgPage() {
  const polled = usePoll("faults", (signal) => line.faults(signal));
  if (polled.problem?.status === 404) {
    return (
      <Frame title={T.title}>
        <div className="card">
          <Empty icon="cloud" title={T.none}>
            {T.noneBody}
          </Empty>
        </div>
      </Frame>
    );
  }
  return (
    <Frame title={T.title} lead={T.lead}>
      <div className="stack wide-gap">
        <Polling polled={polled}>{(rules) => <Faults rules={rules} again={polled.again} />}</Polling>
        <Journal />
      </div>
    </Frame>
  );
}

function words(rule: NewRule & Partial<FaultRule>): string {
  const { id: _id, do: what, struck: _struck, matched: _matched, ...limits } = rule;
  return [what, ...Object.entries(limits).map(([name, value]) => `${name}=${value}`)].join(", ");
}

function Faults({ rules, again }: { rules: FaultRule[]; again: () => void }) {
  const change = (work: Promise<unknown>): void => void tell(work).then(again);
  const standing = (preset: NewRule): FaultRule | undefined => rules.find((rule) => words(rule) === words(preset));
  return (
    <section className="card padded" aria-labelledby="faults">
      <div className="row below">
        <h2 id="faults" className="grow">
          {T.faults}
        </h2>
        <span className={rules.length === 0 ? "badge good" : "badge warn"}>
          <Icon name={rules.length === 0 ? "check" : "warn"} size={12} /> {rules.length === 0 ? T.well : T.ill(rules.length)}
        </span>
        <Button kind={rules.length === 0 ? undefined : "primary"} disabled={rules.length === 0} onClick={() => change(line.clearFaults().then(() => toast(T.mended, "good")))}>
          {T.mend}
        </Button>
      </div>
      <div className="presets">
        {PRESETS.map(({ label, hint, rule }) => {
          const on = standing(rule);
          return (
            <button key={label} type="button" className="preset" aria-pressed={on !== undefined} onClick={() => change(on ? line.removeFault(on.id) : line.addFault(rule))}>
              <strong>
                {on && <Icon name="check" size={14} />} {label}
              </strong>
              <span>{hint}</span>
            </button>
          );
        })}
      </div>
      <OwnRule add={(rule) => tell(line.addFault(rule)).then((done) => (again(), done))} />
      <h3>{T.rules}</h3>
      {rules.length === 0 ? (
        <p className="quiet">{T.rulesNone}</p>
      ) : (
        <ul className="rules" aria-label={T.rules}>
          {rules.map((rule) => (
            <li key={rule.id} className="row">
              <code>{words(rule)}</code>
              <span className="faint grow">{T.struck(rule.struck)}</span>
              <IconButton icon="close" small label={T.end(words(rule))} onClick={() => change(line.removeFault(rule.id))} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function OwnRule({ add }: { add: (rule: NewRule) => Promise<boolean> }) {
  const [text, setText] = useState("");
  return (
    <form
      className="ask below"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") void add(ruleOf(text)).then((done) => done && setText(""));
      }}
    >
      <Field label={T.own} hint={T.ownHint}>
        {(ids) => <input {...ids} className="input mono" value={text} placeholder="record=INVALID_FIELD,object=Case,share=0.5" spellCheck={false} autoComplete="off" onChange={(event) => setText(event.target.value)} />}
      </Field>
      <Button type="submit" disabled={text.trim() === ""}>
        {T.add}
      </Button>
    </form>
  );
}

const ENTRIES: Column<JournalEntry>[] = [
  { key: "seq", title: T.columns.seq, numeric: true, width: "56px", sort: (e) => e.seq, cell: (e) => e.seq },
  { key: "at", title: T.columns.at, cell: (e) => <span className="quiet nowrap"><At at={e.at} /></span> },
  { key: "verb", title: T.columns.verb, sort: (e) => e.verb, cell: (e) => e.verb },
  { key: "object", title: T.columns.object, sort: (e) => e.object, cell: (e) => e.object },
  { key: "id", title: T.columns.id, cell: (e) => <code>{e.id}</code> },
  { key: "key", title: T.columns.key, cell: (e) => e.key && <code className="breaks">{e.key}</code> },
  { key: "via", title: T.columns.via, cell: (e) => <span className="faint breaks" title={e.via}>{e.via.replace(/\/services\/data\/v[\d.]+\//, "")}</span> },
  { key: "fields", title: T.columns.fields, cell: (e) => <span className="faint">{Object.keys(e.fields).join(", ")}</span> },
];

function Journal() {
  const polled = usePages("journal", line.journal);
  return (
    <Polling polled={polled}>
      {({ rows, next }) => (
        <Sheet
          title={T.journal}
          lead={rows.length > 0 && T.journalLead}
          name="journal"
          rows={rows}
          columns={ENTRIES}
          id={(e) => String(e.seq)}
          flat={(e) => ({ ...e, at: new Date(e.at).toISOString(), fields: JSON.stringify(e.fields) })}
          initial={{ key: "seq", down: true }}
          more={next !== null && polled}
          empty={
            <Empty icon="list" title={T.journalNone}>
              {T.journalNoneBody}
            </Empty>
          }
        />
      )}
    </Polling>
  );
}
