import { useMemo, useState, type ReactNode } from "react";
import { Icon } from "./Icon";

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** What the column sorts by; without it the column does not sort. */
  sort?: (row: Row) => string | number;
  numeric?: boolean;
  width?: string;
}

interface Props<Row> {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  id: (row: Row) => string;
  initial?: { key: string; down?: boolean };
}

export function Table<Row>({ label, rows, columns, id, initial }: Props<Row>) {
  const [order, setOrder] = useState<{ key: string; down: boolean } | null>(initial ? { key: initial.key, down: initial.down ?? false } : null);
  const sorted = useMemo(() => {
    const by = columns.find((column) => column.key === order?.key)?.sort;
    if (!by || !order) return rows;
    const sign = order.down ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [x, y] = [by(a), by(b)];
      return sign * (typeof x === "string" && typeof y === "string" ? x.localeCompare(y) : x < y ? -1 : x > y ? 1 : 0);
    });
  }, [rows, columns, order]);
  return (
    <div className="table-wrap" role="region" aria-label={label} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {columns.map((column) => {
              const down = order?.key === column.key ? order.down : null;
              return (
                <th
                  key={column.key}
                  scope="col"
                  className={column.numeric ? "num" : ""}
                  style={column.width ? { width: column.width } : {}}
                  aria-sort={down === null ? undefined : down ? "descending" : "ascending"}
                >
                  {column.sort ? (
                    <button type="button" onClick={() => setOrder({ key: column.key, down: down === false })}>
                      {column.title} {down !== null && <span aria-hidden="true">{down ? "↓" : "↑"}</span>}
                    </button>
                  ) : (
                    column.title || <span className="hidden">·</span>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={id(row)} className="linked">
              {columns.map((column) => (
                <td key={column.key} className={column.numeric ? "num" : ""}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function TableSkeleton({ rows = 5, columns = 5 }: { rows?: number; columns?: number }) {
  return (
    <table className="table" aria-hidden="true">
      <tbody>
        {Array.from({ length: rows }, (_, row) => (
          <tr key={row}>
            {Array.from({ length: columns }, (_c, column) => (
              <td key={column}>
                <div className="skeleton" style={{ height: 14, width: `${45 + ((row * 7 + column * 13) % 45)}%` }} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Caret({ open }: { open: boolean }) {
  return (
    <span style={{ display: "inline-flex", transform: open ? "rotate(90deg)" : "none", transition: "transform 120ms" }}>
      <Icon name="chevron" size={14} />
    </span>
  );
}
