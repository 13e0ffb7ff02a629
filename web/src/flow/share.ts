import type { Flow, FlowDocument, Json, Run, TraceEntry } from "../api/types";
import type { Catalogue } from "./catalogue";
import { titleOf } from "./document";
import { parseExpression } from "./expression";

// A flow and a run for somebody outside, such as a support case: how it is built and which way it took, and of every
// value only its type and length. What is not named here is left out, so that a new part of the file is never told.

export interface SharedBlock {
  id: string;
  type: string;
  title: string;
  position: [number, number] | null;
  ports: Record<string, string>;
  arguments: Record<string, Json>;
}

export interface SharedStep {
  tMs: number;
  phase: TraceEntry["phase"];
  action: string | null;
  title: string | null;
  outcome: string | null;
  port: string | null;
  next: string | null;
  durationMs: number | null;
  inputs: Json;
  results: Json;
  unresolved: string[];
  exception: { name: string; message: string } | null;
  note: string | null;
}

export interface SharedRun {
  id: string;
  status: string;
  startedAt: number | string | null;
  flowVersion: number | null;
  event: { source: string; name: string; payload: Json; contact: Json; agent: Json } | null;
  trace: SharedStep[];
  waitsFor: string | null;
}

export interface Share {
  kind: "tieline-share";
  flow: { id: string; name: string; source: string; event: string; version: number; saved: boolean };
  blocks: SharedBlock[];
  run: SharedRun | null;
}

interface Shown {
  flow: Flow;
  doc: FlowDocument;
  run: Run | null;
  /** Whether the stage is what was saved as the flow's version. */
  saved: boolean;
  /** Whether the texts that authors wrote into the blocks are told as they stand. */
  texts: boolean;
}

export function shareOf({ flow, doc, run, saved, texts }: Shown, catalogue: Catalogue): Share {
  const { id, name, source, event, draftVersion: version } = flow;
  return { kind: "tieline-share", flow: { id, name, source, event, version, saved }, blocks: blocksOf(doc, catalogue, texts), run: run && sharedRun(run) };
}

function blocksOf(doc: FlowDocument, catalogue: Catalogue, texts: boolean): SharedBlock[] {
  return doc.actions.map((action) => {
    const specs = catalogue.block(action.type)?.controls ?? [];
    const entries = Object.entries(action.controls ?? {}).map(([name, value]): [string, Json] => {
      const options = specs.find((spec) => spec.name === name)?.options ?? [];
      const told = texts || (typeof value === "string" && options.includes(value));
      return [name, told ? ((value ?? null) as Json) : mask(value, true)];
    });
    return {
      id: action.id,
      type: action.type,
      title: titleOf(catalogue, action),
      position: action.position ?? null,
      ports: Object.fromEntries(Object.entries(action.ports ?? {}).filter((line): line is [string, string] => typeof line[1] === "string")),
      arguments: Object.fromEntries(entries),
    };
  });
}

function sharedRun(run: Run): SharedRun {
  const { event } = run;
  return {
    id: run.id,
    status: run.status,
    startedAt: run.startedAt ?? null,
    flowVersion: run.flowVersion ?? null,
    event: event ? { source: event.source, name: event.name, payload: mask(event.payload), contact: mask(event.contact), agent: mask(event.agent) } : null,
    trace: run.trace.map((entry) => ({
      tMs: entry.tMs,
      phase: entry.phase,
      action: entry.action ?? null,
      title: entry.title ?? null,
      outcome: entry.outcome ?? null,
      port: entry.port ?? null,
      next: entry.next ?? null,
      durationMs: entry.durationMs ?? null,
      inputs: mask(entry.inputs),
      results: mask(entry.results),
      unresolved: entry.unresolved ?? [],
      // A message may quote what it complains of.
      exception: entry.exception ? { name: entry.exception.name, message: maskText(entry.exception.message) } : null,
      note: entry.note ? maskText(entry.note) : null,
    })),
    waitsFor: run.pending?.actionId ?? null,
  };
}

/** A value without what it says: its type, its length and the form it has; what is missing or empty stays so. */
export function mask(value: unknown, expressions = false): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return expressions && value.startsWith("$.") && parseExpression(value) ? value : maskText(value);
  if (typeof value === "boolean") return "‹yes or no›";
  if (typeof value === "number" || isRaw(value)) return `‹number, ${digits(JSON.stringify(value))}›`;
  if (Array.isArray(value)) return value.map((item) => mask(item, expressions));
  const seen = new Map<string, number>();
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]: [string, unknown]) => {
      const name = maskKey(key);
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      return [times === 1 ? name : `${name} ${times}`, mask(item, expressions)];
    }),
  );
}

const FORMS: [RegExp, string][] = [
  [/^\s*$/, "blank text"],
  [/^[^\s@]+@[^\s@]+\.[^\s@]+$/, "e-mail address"],
  [/^\d{4}-\d\d-\d\d([T ].*)?$/, "date"],
  [/^\+?[\d\s().-]{7,}$/, "phone number"],
  [/^https?:\/\/\S+$/, "address of a page"],
];
/** As Salesforce makes them: fifteen letters and digits, or eighteen. */
const RECORD_ID = /^(?=.*\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/;

export function maskText(value: string): string {
  if (value === "") return "‹empty text›";
  const form = RECORD_ID.test(value) ? "record Id" : (FORMS.find(([pattern]) => pattern.test(value))?.[1] ?? "text");
  return `‹${form}, ${value.length} ${value.length === 1 ? "character" : "characters"}›`;
}

/** Names of fields are no personal data; a key that is an Id, a number or a text is. */
function maskKey(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_.]{0,79}$/.test(key) && !RECORD_ID.test(key) ? key : maskText(key);
}

function digits(written: string): string {
  const n = written.replace(/\D/g, "").length;
  return `${n} ${n === 1 ? "digit" : "digits"}`;
}

function isRaw(value: unknown): boolean {
  return (JSON as { isRawJSON?: (value: unknown) => boolean }).isRawJSON?.(value) ?? false;
}
