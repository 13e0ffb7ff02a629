import type { Json, Run, TraceEntry } from "../api/types";

export interface Step {
  state: "running" | "success" | "failure";
  port: string | null;
  visits: number;
  /** When it began and how long its last visit took. */
  atMs: number;
  tookMs: number | null;
  inputs: Record<string, Json>;
  unresolved: string[];
  results: Json;
  exception: { name: string; message: string } | null;
}

export interface TraceView {
  steps: Map<string, Step>;
  /** Lines taken, as `from:port`. */
  lines: Set<string>;
}

/** The state of every block after the first `upTo` entries of a trace; null is all of them. */
export function viewTrace(run: Run, upTo: number | null): TraceView {
  const steps = new Map<string, Step>();
  const lines = new Set<string>();
  const entries = upTo === null ? run.trace : run.trace.slice(0, upTo);
  let before = 0;
  for (const entry of entries) {
    take(entry, before, steps, lines);
    before = entry.tMs;
  }
  const pending = upTo === null ? run.pending : null;
  if (pending && !steps.has(pending.actionId)) steps.set(pending.actionId, { ...blank(before), inputs: pending.inputs });
  return { steps, lines };
}

function blank(atMs: number): Step {
  return { state: "running", port: null, visits: 1, atMs, tookMs: null, inputs: {}, unresolved: [], results: null, exception: null };
}

/** `before` is when the entry before was written: there a block begins that tells only of its end. */
function take(entry: TraceEntry, before: number, steps: Map<string, Step>, lines: Set<string>): void {
  const { action } = entry;
  if (action === null || action === undefined || entry.phase === "ignored" || entry.phase === "end") return;
  const known = steps.get(action);
  const open = known?.state === "running" ? known : { ...blank(entry.phase === "exit" ? before : entry.tMs), visits: (known?.visits ?? 0) + 1 };
  const seen: Step = {
    ...open,
    inputs: entry.inputs ?? open.inputs,
    unresolved: [...new Set([...open.unresolved, ...(entry.unresolved ?? [])])],
  };
  if (entry.phase !== "exit") {
    steps.set(action, seen);
    return;
  }
  const port = entry.port ?? null;
  if (port !== null && entry.next) lines.add(`${action}:${port}`);
  steps.set(action, {
    ...seen,
    state: entry.exception || port === "failure" ? "failure" : "success",
    port,
    tookMs: entry.durationMs ?? entry.tMs - seen.atMs,
    results: entry.results ?? null,
    exception: entry.exception ?? null,
  });
}
