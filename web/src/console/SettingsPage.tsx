import { line, type Setting } from "../api/console";
import { setQuery, usePlace } from "../app/router";
import { consoleText } from "../text/console";
import { Empty, ProblemView } from "../ui/states";
import { TableSkeleton, type Column } from "../ui/Table";
import { useLoad } from "../ui/useLoad";
import { Frame } from "./parts";
import { Sheet } from "./Sheet";
import "./console.css";

const T = consoleText.settings;

/** The list's own Markdown knows code alone. */
function Marked({ text }: { text: string }) {
  return <>{text.split("`").map((part, place) => (place % 2 === 1 ? <code key={place}>{part}</code> : part))}</>;
}

const COLUMNS: Column<Setting>[] = [
  { key: "name", title: T.name, sort: (s) => s.name, cell: (s) => <code className="nowrap">{s.name}</code> },
  {
    key: "value",
    title: T.value,
    sort: (s) => (s.given ? `0${s.value}` : "1"),
    cell: (s) =>
      s.given ? (
        <strong className="breaks medium">{s.value}</strong>
      ) : (
        <span className="quiet breaks">
          {s.value ?? (s.default.startsWith("required") ? T.unset : <Marked text={s.default} />)} {s.value === null && <span className="faint">({T.default})</span>}
        </span>
      ),
  },
  { key: "meaning", title: T.meaning, cell: (s) => <span className="quiet"><Marked text={s.meaning} /></span> },
];

/** `#/settings?search=…`: every variable with what is in force. */
export default function SettingsPage() {
  const loaded = useLoad("settings", (signal) => line.settings(signal));
  const search = usePlace().query.get("search") ?? "";
  const all = loaded.value ?? [];
  const rows = all.filter((s) => `${s.name} ${s.value} ${s.meaning}`.toLowerCase().includes(search.trim().toLowerCase()));
  return (
    <Frame title={T.title} lead={T.lead} actions={<a className="btn" href="#/doctor">{T.doctor}</a>}>
      {loaded.state === "failed" ? (
        <div className="card">
          <ProblemView problem={loaded.problem} again={loaded.again} />
        </div>
      ) : loaded.value === null ? (
        <div className="card">
          <TableSkeleton columns={3} rows={10} />
        </div>
      ) : (
        <Sheet
          title={T.list}
          name="settings"
          rows={rows}
          columns={COLUMNS}
          id={(s) => s.name}
          flat={({ name, value, given, default: standard, meaning }) => ({ name, value, given, default: standard, meaning })}
          actions={<input className="input narrow" type="search" aria-label={T.filter} placeholder={T.filter} value={search} onChange={(event) => setQuery({ search: event.target.value })} />}
          empty={
            all.length === 0 ? (
              <Empty icon="cog" title={T.none}>
                {T.noneBody}
              </Empty>
            ) : (
              <Empty icon="search" title={T.noMatch} />
            )
          }
        />
      )}
    </Frame>
  );
}
