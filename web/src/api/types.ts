// The shapes of the JSON interface under /api. Times are milliseconds since the epoch unless said otherwise.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One node of a flow, as the file has it; unknown keys stay. */
export interface Action {
  id: string;
  type: string;
  meta?: { title?: string; [key: string]: unknown };
  controls?: Record<string, unknown> | null;
  ports?: Record<string, string | null> | null;
  position?: [number, number];
  [key: string]: unknown;
}

/** The adapter's own file: unknown top-level keys stay. */
export interface FlowDocument {
  actions: Action[];
  [key: string]: unknown;
}

export type Severity = "error" | "warning" | "info";

export interface Diagnostic {
  code: string;
  severity: Severity;
  action: string | null;
  pointer: string;
  message: string;
  hint: string | null;
  fix?: { label: string } | null;
}

export interface FlowFields {
  name: string;
  adapter: string;
  source: string;
  event: string;
  description: string;
  order: number;
  debug: boolean;
}

export interface FlowSummary extends FlowFields {
  id: string;
  active: boolean;
  draftVersion: number;
  activeVersion: number | null;
  updatedAt: number | string;
  author: string;
  deletedAt: number | string | null;
  problems: { errors: number; warnings: number };
}

export interface Flow extends FlowSummary {
  document: FlowDocument | null;
  /** The text that could not be read as a flow; kept as it came. */
  raw?: string | null;
  notes: Note[];
}

/** A note on the stage; it is kept with the version, outside of the document. */
export interface Note {
  id: string;
  text: string;
  position: [number, number];
}

export interface FlowVersion {
  version: number;
  author: string;
  at: number | string;
  note: string | null;
  active: boolean;
}

export type ControlType = "text" | "any" | "number" | "boolean" | "select" | "map" | "list";

export interface ControlSpec {
  name: string;
  label: string;
  type: ControlType;
  required: boolean;
  default?: Json;
  options?: string[];
  help?: string;
}

export interface ResultSpec {
  name: string;
  type: string;
  description?: string;
}

export type Port = "done" | "success" | "failure" | "true" | "false";

export interface BlockSpec {
  type: string;
  title: string;
  description: string;
  category: string;
  executor: string;
  shape: "circle" | "rect" | "diamond";
  controls: ControlSpec[];
  results: ResultSpec[];
  ports: Port[];
  sources: string[];
  aliases: string[];
  tags: string[];
  /** The interfaces it calls, as the Explorer shows them. */
  calls: string[];
  deprecated?: string;
  safety?: string;
}

export interface EventSpec {
  name: string;
  meaning: string;
  payload: { name: string; description?: string }[];
  subscription?: string;
  sample?: EventSample;
}

/** An event as it might come; its numbers lie in ranges kept for fiction. */
export interface EventSample {
  payload?: Record<string, Json>;
  contact?: Record<string, Json>;
  agent?: Record<string, Json>;
}

export interface SourceSpec {
  id: string;
  label: string;
  description?: string;
  contactType?: string;
  context: { root: string; always: boolean }[];
  events: EventSpec[];
}

export interface CatalogueData {
  categories?: { id: string; title?: string; description: string }[];
  blocks: BlockSpec[];
  sources: SourceSpec[];
}

export interface Template {
  id: string;
  name: string;
  description: string;
  source: string;
  event: string;
  document: FlowDocument;
}

export interface FlowEvent {
  source: string;
  name: string;
  payload: Record<string, Json>;
  contact: Record<string, Json> | null;
  agent: Record<string, Json> | null;
}

export type Outcome =
  | { kind: "success"; results: Json }
  | { kind: "branch"; value: boolean }
  | { kind: "failure"; exception: { name: string; message: string } };

export type RunStatus =
  | "running"
  | "waiting"
  | "completed"
  | "stopped"
  | "failed"
  | "timed_out"
  | "cancelled"
  | "limit";

export interface TraceEntry {
  seq: number;
  tMs: number;
  action?: string | null;
  type?: string | null;
  title?: string | null;
  phase: "enter" | "perform" | "exit" | "ignored" | "end";
  inputs?: Record<string, Json> | null;
  unresolved?: string[] | null;
  /** `success`, `failure`, `true`, `false`; at the end the status. */
  outcome?: string | null;
  results?: Json;
  durationMs?: number | null;
  /** A line of a Log block, or what else a person should know. */
  note?: string | null;
  port?: string | null;
  next?: string | null;
  exception?: { name: string; message: string } | null;
}

export interface ActionRecord {
  success: boolean;
  results?: Json;
  exception?: { name: string; message: string } | null;
}

export interface Pending {
  actionId: string;
  /** Told with the outcome, so that one sent twice is not taken for that of the next round. */
  key?: string;
  type: string;
  executor: string;
  inputs: Record<string, Json>;
  deadlineMs: number;
}

export interface Run {
  id: string;
  flowId: string | null;
  flowVersion?: number | null;
  flowName?: string | null;
  status: RunStatus;
  trace: TraceEntry[];
  actions: Record<string, ActionRecord>;
  pending: Pending | null;
  startedAt?: number | string;
  event?: FlowEvent;
}

/** A run in one line, as the list of flows tells of it. */
export interface RunLine {
  id: string;
  flowId: string;
  status: RunStatus;
  startedAt: number;
}

export interface RecordRow {
  object: string;
  id: string;
  name: string;
}

export interface SalesforceRecord extends RecordRow {
  fields: Record<string, Json>;
}

export interface ImportReport {
  unknownTypes: string[];
  renumbered: { from: string; to: string }[];
  notes: string[];
  diagnostics: Diagnostic[];
}
