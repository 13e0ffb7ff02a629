import { line, type Deed } from "../api/console";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Empty } from "../ui/states";
import type { Column } from "../ui/Table";
import { At, Frame, Polling } from "./parts";
import { Sheet } from "./Sheet";
import { usePages } from "./usePages";
import "./console.css";

const T = consoleText.history;

const COLUMNS: Column<Deed>[] = [
  { key: "at", title: T.columns.at, sort: (d) => d.at, cell: (d) => <span className="quiet nowrap"><At at={d.at} /></span> },
  { key: "by", title: T.columns.by, sort: (d) => d.by, cell: (d) => d.by },
  { key: "what", title: T.columns.what, sort: (d) => d.what, cell: (d) => <span className="breaks">{d.what}</span> },
  {
    key: "write",
    title: T.columns.write,
    cell: (d) =>
      d.contact !== null && d.id !== null ? (
        <a href={href(["contacts", d.contact], { write: d.id })}>
          <code>{d.id}</code>
        </a>
      ) : (
        <span className="faint">{T.line}</span>
      ),
  },
];

/** `#/history`: who did what. */
export default function HistoryPage() {
  const polled = usePages("history", line.history);
  return (
    <Frame title={T.title} lead={T.lead}>
      <Polling polled={polled}>
        {({ rows, next }) => (
          <Sheet
            title={T.list}
            name="history"
            rows={rows}
            columns={COLUMNS}
            id={(d) => `${d.at} ${d.what} ${d.id}`}
            flat={({ at, by, what, id, contact }) => ({ at: new Date(at).toISOString(), by, what, id, contact })}
            more={next !== null && polled}
            empty={
              <Empty icon="history" title={T.none}>
                {T.noneBody}
              </Empty>
            }
          />
        )}
      </Polling>
    </Frame>
  );
}
