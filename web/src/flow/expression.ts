import type { Action, FlowDocument } from "../api/types";

// `$` then steps: `.name`, `[0]`, `.[0]`, `['any text']`. An expression is the whole string or nothing.

const STEP = /\.?\[(\d+)\]|\['([^']*)'\]|\.([A-Za-z0-9_-]+)/y;

export function parseExpression(text: string): string[] | null {
  if (!text.startsWith("$")) return null;
  const steps: string[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < text.length) {
    const match = STEP.exec(text);
    if (!match) return null;
    steps.push(match[1] ?? match[2] ?? match[3] ?? "");
  }
  return steps.length > 0 ? steps : null;
}

/** A reference to what an earlier block gave back. */
export interface ResultReference {
  id: string;
  /** `results`, or `success` and `exception` of the record itself. */
  part: string;
  path: string[];
}

export function asResultReference(value: unknown): ResultReference | null {
  if (typeof value !== "string") return null;
  const steps = parseExpression(value);
  if (!steps || steps[0] !== "actions" || steps[1] === undefined) return null;
  return { id: steps[1], part: steps[2] ?? "", path: steps.slice(3) };
}

export function resultExpression(id: string, field: string): string {
  return `$.actions.${id}.results.${field}`;
}

/** Every expression in a control value, maps and lists included. */
export function expressionsIn(value: unknown): string[] {
  if (typeof value === "string") return value.startsWith("$.") && parseExpression(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(expressionsIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(expressionsIn);
  return [];
}

export function rewriteReferences<T>(value: T, rename: (id: string) => string): T {
  if (typeof value === "string") {
    const reference = asResultReference(value);
    if (!reference) return value;
    const next = rename(reference.id);
    if (next === reference.id) return value;
    return value.replace(/^\$(\.|\[')actions('\])?(\.|\[')[A-Za-z0-9_-]+/, (head) =>
      head.slice(0, head.length - reference.id.length) + next,
    ) as T;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => rewriteReferences(item, rename)) as T;
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteReferences(item as unknown, rename)])) as T;
  }
  return value;
}

/** Blocks from which control can reach this one, nearest first. */
export function upstream(doc: FlowDocument, id: string): Action[] {
  const into = new Map<string, Action[]>();
  for (const action of doc.actions) {
    for (const to of Object.values(action.ports ?? {})) {
      if (typeof to === "string") into.set(to, [...(into.get(to) ?? []), action]);
    }
  }
  const seen = new Set([id]);
  const found: Action[] = [];
  let edge = [id];
  while (edge.length > 0) {
    const next: string[] = [];
    for (const at of edge) {
      for (const action of into.get(at) ?? []) {
        if (seen.has(action.id)) continue;
        seen.add(action.id);
        found.push(action);
        next.push(action.id);
      }
    }
    edge = next;
  }
  return found;
}

/** Whether a reference can be met: its block exists and lies upstream. */
export function brokenReason(doc: FlowDocument, at: string, value: unknown): "missing" | "notUpstream" | null {
  const reference = asResultReference(value);
  if (!reference) return null;
  if (!doc.actions.some((action) => action.id === reference.id)) return "missing";
  return upstream(doc, at).some((action) => action.id === reference.id) ? null : "notUpstream";
}
