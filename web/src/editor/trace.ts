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
  for (const entry of upTo === null ? run.trace : run.trace.slice(0, upTo)) take(entry, steps, lines);
  if (upTo === null) {
    for (const [id, kept] of Object.entries(run.actions)) {
      const step = steps.get(id);
      if (step) steps.set(id, { ...step, results: kept.results ?? null, exception: kept.exception ?? step.exception });
    }
  }
  return { steps, lines };
}

function take(entry: TraceEntry, steps: Map<string, Step>, lines: Set<string>): void {
  if (entry.action === null || entry.action === undefined) return;
  const before = steps.get(entry.action);
  if (entry.phase === "enter") {
    steps.set(entry.action, {
      state: "running",
      port: null,
      visits: (before?.visits ?? 0) + 1,
      atMs: entry.tMs,
      tookMs: null,
      inputs: entry.inputs ?? {},
      unresolved: entry.unresolved ?? [],
      results: null,
      exception: null,
    });
    return;
  }
  if (!before) return;
  if (entry.phase === "perform") {
    steps.set(entry.action, { ...before, inputs: entry.inputs ?? before.inputs, unresolved: entry.unresolved ?? before.unresolved });
    return;
  }
  if (entry.phase !== "exit") return;
  const port = entry.port ?? null;
  if (port !== null && entry.next) lines.add(`${entry.action}:${port}`);
  steps.set(entry.action, {
    ...before,
    inputs: entry.inputs ?? before.inputs,
    state: entry.exception || port === "failure" ? "failure" : "success",
    port,
    tookMs: entry.tMs - before.atMs,
    unresolved: [...new Set([...before.unresolved, ...(entry.unresolved ?? [])])],
    results: entry.outcome ?? null,
    exception: entry.exception ?? null,
  });
}
