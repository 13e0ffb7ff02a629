import { line, type FaultRule, type JournalEntry } from "../api/console";
import { consoleText } from "../text/console";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Empty } from "../ui/states";
import { Table, type Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { toast } from "../ui/toast";
import { At, Frame, Polling, SaveButtons } from "./parts";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.org;

/** What the buttons tell the org, in its own words. */
const PRESETS: { label: string; rule: { do: string; method?: string } }[] = [
  { label: T.presets.slow, rule: { do: "latency=3s" } },
  { label: T.presets.down, rule: { do: "status=503" } },
  { label: T.presets.locked, rule: { do: "lock" } },
  { label: T.presets.limit, rule: { do: "limit=daily" } },
  { label: T.presets.lost, rule: { do: "cut=after", method: "POST" } },
];

/** `#/org`: faults on demand in local mode, and what took effect there. */
export default function OrgPage() {
  const polled = usePoll("org", async (signal) => {
    const [faults, journal] = await Promise.all([line.faults(signal), line.journal(signal)]);
    return { faults, journal };
  });
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
      <Polling polled={polled}>
        {({ faults, journal }) => (
          <div className="stack wide-gap">
            <Faults rules={faults} again={polled.again} />
            <Journal entries={journal} />
          </div>
        )}
      </Polling>
    </Frame>
  );
}

function words(rule: FaultRule): string {
  const { id: _id, do: what, struck: _struck, ...rest } = rule;
  const limits = Object.entries(rest).filter(([name]) => name !== "matched");
  return [what, ...limits.map(([name, value]) => `${name}=${value}`)].join(", ");
}

function Faults({ rules, again }: { rules: FaultRule[]; again: () => void }) {
  const change = (work: Promise<unknown>): void => void tell(work).then(again);
  const standing = (preset: { do: string; method?: string }): FaultRule | undefined => rules.find((rule) => rule.do === preset.do && rule.method === preset.method);
  return (
    <section className="card" aria-labelledby="faults">
      <div className="section-head">
        <h2 id="faults">{T.faults}</h2>
      </div>
      <div className="row wraps inset">
        {PRESETS.map(({ label, rule }) => {
          const on = standing(rule);
          return (
            <Button key={label} aria-pressed={on !== undefined} onClick={() => change(on ? line.removeFault(on.id) : line.addFault(rule))}>
              {on && <Icon name="check" size={14} />}
              {label}
            </Button>
          );
        })}
        <Button kind="primary" onClick={() => change(line.clearFaults().then(() => toast(T.mended, "good")))}>
          {T.mend}
        </Button>
      </div>
      <h3 className="inset">{T.rules}</h3>
      {rules.length === 0 ? (
        <p className="quiet inset">{T.rulesNone}</p>
      ) : (
        <ul className="inset rules" aria-label={T.rules}>
          {rules.map((rule) => (
            <li key={rule.id} className="row">
              <code>{words(rule)}</code>
              <span className="faint grow">{T.struck(rule.struck ?? 0)}</span>
              <IconButton icon="close" small label={T.end(words(rule))} onClick={() => change(line.removeFault(rule.id))} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const ENTRIES: Column<JournalEntry>[] = [
  { key: "seq", title: T.columns.seq, numeric: true, sort: (e) => e.seq, cell: (e) => e.seq },
  { key: "at", title: T.columns.at, cell: (e) => <span className="quiet"><At at={e.at} /></span> },
  { key: "verb", title: T.columns.verb, sort: (e) => e.verb, cell: (e) => e.verb },
  { key: "object", title: T.columns.object, sort: (e) => e.object, cell: (e) => e.object },
  { key: "id", title: T.columns.id, cell: (e) => <code>{e.id}</code> },
  { key: "key", title: T.columns.key, cell: (e) => e.key && <code className="breaks">{e.key}</code> },
  { key: "via", title: T.columns.via, cell: (e) => <span className="faint">{e.via}</span> },
  { key: "fields", title: T.columns.fields, cell: (e) => <span className="faint">{Object.keys(e.fields).join(", ")}</span> },
];

function Journal({ entries }: { entries: JournalEntry[] }) {
  return (
    <section className="card">
      <div className="section-head">
        <h2 className="grow">
          {T.journal}
        </h2>
        {entries.length > 0 && <SaveButtons name="journal" rows={entries.map((e) => ({ ...e, fields: JSON.stringify(e.fields) }))} all={entries} />}
      </div>
      <p className="quiet inset">{entries.length === 0 ? T.journalNone : T.journalLead}</p>
      {entries.length > 0 && <Table label={T.journal} rows={entries} columns={ENTRIES} id={(e) => String(e.seq)} initial={{ key: "seq", down: true }} />}
    </section>
  );
}
