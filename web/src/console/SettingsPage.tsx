import { useState } from "react";
import { line } from "../api/console";
import { consoleText } from "../text/console";
import { Empty, ProblemView } from "../ui/states";
import { Table, TableSkeleton, type Column } from "../ui/Table";
import { useLoad } from "../ui/useLoad";
import { Frame, SaveButtons } from "./parts";
import "./console.css";

const T = consoleText.settings;

const COLUMNS: Column<{ name: string; value: string }>[] = [
  { key: "name", title: T.name, sort: (s) => s.name, cell: (s) => <code>{s.name}</code> },
  { key: "value", title: T.value, sort: (s) => s.value, cell: (s) => <span className="breaks">{s.value}</span> },
];

/** `#/settings`: the configuration in force. */
export default function SettingsPage() {
  const loaded = useLoad("settings", (signal) => line.settings(signal));
  const [search, setSearch] = useState("");
  const all = loaded.value ?? [];
  const rows = all.filter((s) => `${s.name} ${s.value}`.toLowerCase().includes(search.trim().toLowerCase()));
  return (
    <Frame title={T.title} lead={T.lead} actions={all.length > 0 && <SaveButtons name="settings" rows={all} all={all} />}>
      <div className="card">
        {loaded.state === "failed" ? (
          <ProblemView problem={loaded.problem} again={loaded.again} />
        ) : loaded.value === null ? (
          <TableSkeleton columns={2} />
        ) : all.length === 0 ? (
          <Empty icon="cog" title={T.none}>
            {T.noneBody}
          </Empty>
        ) : (
          <>
            <div className="filters">
              <input className="input" type="search" aria-label={T.filter} placeholder={T.filter} value={search} onChange={(event) => setSearch(event.target.value)} />
            </div>
            <Table label={T.title} rows={rows} columns={COLUMNS} id={(s) => s.name} />
          </>
        )}
      </div>
    </Frame>
  );
}
