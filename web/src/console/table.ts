import { saveFile } from "../flows/files";
import type { Write } from "../api/console";
import type { Json } from "../api/types";

export type Cell = string | number | boolean | null;

/** RFC 4180, and no cell that a spreadsheet would take for a formula. */
export function csv(rows: Record<string, Cell>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? null))];
  return lines.map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

function csvCell(value: Cell): string {
  const plain = value === null ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function saveCsv(name: string, rows: Record<string, Cell>[]): void {
  saveFile(`${name}.csv`, csv(rows), "text/csv;charset=utf-8");
}

export function saveJson(name: string, value: unknown): void {
  saveFile(`${name}.json`, JSON.stringify(value, null, 2));
}

/** A value of a record as one line of text. */
export function shown(value: Json | undefined): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

/** What was typed, in the kind of the value it replaces; text where it does not fit. */
export function typed(entry: string, before: Json | undefined): Json {
  if (typeof before === "string" || before === undefined) return entry;
  const word = entry.trim();
  if (typeof before === "boolean") return word === "true" ? true : word === "false" ? false : entry;
  try {
    const value = JSON.parse(word) as Json;
    return typeof value === typeof before && (value === null) === (before === null) ? value : entry;
  } catch {
    return entry;
  }
}

/** A write as a line of a CSV file. */
export function flatWrite(write: Write): Record<string, Cell> {
  const { id, contact, operation, object, status, recordId, attempts, acceptedAt, doneAt, nextAt, settleAt, reason, error } = write;
  const time = (at: number | null): Cell => (at === null ? null : new Date(at).toISOString());
  return {
    ...{ id, contact, operation, object, status, recordId, attempts, accepted: time(acceptedAt), done: time(doneAt), next: time(nextAt), settled: time(settleAt), reason },
    ...{ code: error?.code ?? null, message: error?.message ?? null },
  };
}
