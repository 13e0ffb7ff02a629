import type { ReactNode } from "react";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Table, type Column } from "../ui/Table";
import { SaveButtons } from "./parts";
import type { Cell } from "./table";
import type { Paged } from "./usePages";

/** How more rows are had, where there are more. */
export type More = Pick<Paged<unknown>, "more" | "all"> | false;

interface Props<Row> {
  title: string;
  /** What stands in the names of the files that are saved. */
  name: string;
  rows: Row[];
  columns: Column<Row>[];
  id: (row: Row) => string;
  /** A row as a line of a CSV file. */
  flat: (row: Row) => Record<string, Cell>;
  lead?: ReactNode;
  actions?: ReactNode;
  initial?: { key: string; down?: boolean };
  /** In place of the table where there are no rows. */
  empty: ReactNode;
  more?: More;
}

/** A table as a card: its title, how many rows, both exports, and more of it. */
export function Sheet<Row>({ title, name, rows, columns, id, flat, lead, actions, initial, empty, more }: Props<Row>) {
  return (
    <div className="card sheet">
      <div className="sheet-head">
        <h2>{title}</h2>
        {rows.length > 0 && <span className="badge">{more ? `${rows.length}+` : rows.length}</span>}
        <span className="grow" />
        {actions}
        {rows.length > 0 && <SaveButtons name={name} rows={rows.map(flat)} all={rows} />}
      </div>
      {lead && <p className="quiet inset">{lead}</p>}
      {rows.length === 0 ? empty : <Table label={title} rows={rows} columns={columns} id={id} {...(initial ? { initial } : {})} />}
      {more && (
        <div className="sheet-foot row">
          {more.more ? (
            <>
              <Button small onClick={more.more}>
                {consoleText.more}
              </Button>
              <Button small onClick={more.all}>
                {consoleText.all}
              </Button>
            </>
          ) : (
            <span className="quiet">{consoleText.held}</span>
          )}
        </div>
      )}
    </div>
  );
}
