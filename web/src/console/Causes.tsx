import type { Signature } from "../api/console";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Empty } from "../ui/states";
import type { Column } from "../ui/Table";
import { Ago } from "../ui/time";
import { Sheet } from "./Sheet";

const T = consoleText.causes;

const COLUMNS: Column<Signature>[] = [
  {
    key: "what",
    title: T.columns.what,
    sort: (s) => `${s.object} ${s.code}`,
    cell: (s) => (
      <div className="two-lines">
        <a href={href(["dead-letters"], { ...(s.object ? { object: s.object } : {}), code: s.code, ...(s.fields[0] ? { field: s.fields[0] } : {}) })}>
          {s.object || T.noObject} · {s.code}
        </a>
        <span className="faint">{s.message}</span>
      </div>
    ),
  },
  { key: "fields", title: T.columns.fields, cell: (s) => s.fields.map((field) => <code key={field}>{field} </code>) },
  { key: "todo", title: T.columns.todo, width: "210px", cell: (s) => <span className="quiet">{s.follows ? T.follows : (T.todo[s.reason] ?? T.todoElse)}</span> },
  { key: "count", title: T.columns.count, numeric: true, sort: (s) => s.count, cell: (s) => s.count },
  { key: "newest", title: T.columns.newest, numeric: true, sort: (s) => s.newest, cell: (s) => <span className="quiet nowrap"><Ago at={s.newest} /></span> },
];

/** Dead letters by object, code and field: what needs a person first comes first. Null where nobody can tell. */
export function Causes({ dead, more }: { dead: Signature[] | null; more: boolean }) {
  return (
    <Sheet
      title={T.title}
      lead={more && T.more}
      name="dead-letters-by-cause"
      rows={dead ?? []}
      columns={COLUMNS}
      id={(s) => `${s.object} ${s.code} ${s.fields.join()}`}
      flat={(s) => ({ ...s, fields: s.fields.join(" "), newest: new Date(s.newest).toISOString() })}
      empty={
        dead === null ? (
          <Empty icon="warn" title={consoleText.untold}>
            {T.untoldBody}
          </Empty>
        ) : (
          <Empty icon="check" title={T.none}>
            {T.noneBody}
          </Empty>
        )
      }
    />
  );
}
