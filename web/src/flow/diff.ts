import type { Action, FlowDocument } from "../api/types";

export type Change = "added" | "removed" | "changed" | "moved" | "same";

/** What became of each block between two documents: a block that only moved is told apart from one that changed. */
export function compare(before: FlowDocument, after: FlowDocument): Map<string, Change> {
  const old = new Map(before.actions.map((action) => [action.id, action]));
  const result = new Map<string, Change>();
  for (const action of after.actions) {
    const was = old.get(action.id);
    result.set(action.id, was ? kindOf(was, action) : "added");
    old.delete(action.id);
  }
  for (const id of old.keys()) result.set(id, "removed");
  return result;
}

function kindOf(a: Action, b: Action): Change {
  if (a === b) return "same";
  const { position: placeA, ...restA } = a;
  const { position: placeB, ...restB } = b;
  if (!same(restA, restB)) return "changed";
  return same(placeA, placeB) ? "same" : "moved";
}

/** The same text for the same value, whatever the order of its keys; an open port may be absent or null. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(
      Object.entries(item)
        .filter(([, v]) => v !== undefined && v !== null)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }) ?? "";
}

/** Whether two parts of a file say the same; what is missing says nothing. */
export function same(a: unknown, b: unknown): boolean {
  return a === b || canonical(a ?? null) === canonical(b ?? null);
}

export interface ArgumentChange {
  name: string;
  before: unknown;
  after: unknown;
}

/** Which arguments, lines and labels of a block differ. */
export function argumentChanges(before: Action, after: Action): ArgumentChange[] {
  const rows: ArgumentChange[] = [];
  const put = (name: string, a: unknown, b: unknown): void => {
    if (!same(a, b)) rows.push({ name, before: a, after: b });
  };
  put("type", before.type, after.type);
  put("title", before.meta?.title, after.meta?.title);
  for (const key of union(before.controls, after.controls)) put(key, before.controls?.[key], after.controls?.[key]);
  for (const port of union(before.ports, after.ports)) put(`→ ${port}`, before.ports?.[port], after.ports?.[port]);
  return rows;
}

function union(a: object | null | undefined, b: object | null | undefined): string[] {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])];
}

export interface TextLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Line by line, the longest common part kept; used as the second view of a difference. */
export function compareText(before: string, after: string): TextLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (text: string): TextLine => ({ kind: "same", text });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...(tail > 0 ? a.slice(-tail) : []).map(same),
  ];
}

function middle(a: string[], b: string[]): TextLine[] {
  // Beyond this size a table of lengths costs more than it shows.
  if (a.length * b.length > 4_000_000) {
    return [...a.map((text): TextLine => ({ kind: "removed", text })), ...b.map((text): TextLine => ({ kind: "added", text }))];
  }
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: TextLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] ?? "" });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: a[i] ?? "" });
      i += 1;
    } else {
      lines.push({ kind: "added", text: b[j] ?? "" });
      j += 1;
    }
  }
  return lines;
}
