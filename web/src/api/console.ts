import { call } from "./client";
import type { Json } from "./types";

// The operations part of the JSON interface. Times are milliseconds since 1970.

export interface Signature {
  object: string;
  code: string;
  fields: string[];
  message: string;
  count: number;
  newest: number;
}

export interface Counted {
  name: string;
  count: number;
  sum: number;
  last: number;
}

export interface Overview {
  accepting: boolean;
  trouble: string | null;
  queue: { waiting: number; inFlight: number } | null;
  dead: Signature[];
  /** Whether there are more dead letters than were grouped. */
  deadMore: boolean;
  doubt: number;
  /** Null where the worker runs in another process. */
  worker: { running: boolean } | null;
  counted: Counted[];
  usagePercent: number | null;
}

export interface Fault {
  class: string;
  code: string;
  message: string;
  fields: string[];
}

export interface Moment {
  at: number;
  what: string;
  code: string | null;
}

export interface Write {
  id: string;
  contact: string;
  operation: string;
  object: string;
  target: string | null;
  name: string | null;
  status: string;
  done: boolean;
  recordId: string | null;
  attempts: number;
  generation: number;
  acceptedAt: number;
  firstSentAt: number | null;
  doneAt: number | null;
  nextAt: number | null;
  settleAt: number | null;
  waitsFor: string[];
  reason: string | null;
  error: Fault | null;
  history: Moment[];
}

export interface DeadLetter {
  id: string;
  contact: string;
  version: number;
  reason: string;
  error: Fault;
  failedAt: number;
  attempts: number;
  operation: string;
  object: string;
  payload: Json;
  history: Moment[];
  edits: { at: number; by: string; what: string }[];
}

export interface LetterFilter {
  contact: string;
  object: string;
  code: string;
}

/** Names one dead letter. */
export interface Item {
  contact: string;
  id: string;
}

export interface Result extends Item {
  /** `replayed`, `finished`, `already done`, `superseded`, `parent dead`, `unfit`, `discarded` or `failed`. */
  verdict: string;
  message: string | null;
}

export interface FaultRule {
  id: number;
  do: string;
  method?: string;
  path?: string;
  object?: string;
  share?: number;
  count?: number;
  /** How many calls it has struck. */
  struck?: number;
}

export interface JournalEntry {
  seq: number;
  at: number;
  verb: string;
  object: string;
  id: string;
  key: string | null;
  via: string;
  fields: Record<string, Json>;
}

const at = encodeURIComponent;

function query(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

export const line = {
  overview: (signal?: AbortSignal) => call<Overview>("GET", "/overview", undefined, signal),
  pause: () => call<{ running: boolean }>("POST", "/worker/pause"),
  resume: () => call<{ running: boolean }>("POST", "/worker/resume"),
  settings: (signal?: AbortSignal) => call<{ name: string; value: string }[]>("GET", "/settings", undefined, signal),

  contact: (contact: string, signal?: AbortSignal) => call<{ contact: string; writes: Write[] }>("GET", `/contacts/${at(contact)}`, undefined, signal),
  doubt: (signal?: AbortSignal) => call<{ writes: Write[]; next: string | null }>("GET", "/doubt?limit=200", undefined, signal),

  letters: (page: LetterFilter & { after?: string | null; limit: number }, signal?: AbortSignal) =>
    call<{ deadLetters: DeadLetter[]; next: string | null }>("GET", `/dead-letters${query(page)}`, undefined, signal),
  letter: (item: Item, signal?: AbortSignal) => call<DeadLetter>("GET", `/dead-letters/${at(item.contact)}/${at(item.id)}`, undefined, signal),
  /** Refused with 409 when somebody changed the letter after `version`. */
  edit: (item: Item, version: number, fields: Record<string, Json>) =>
    call<DeadLetter>("PUT", `/dead-letters/${at(item.contact)}/${at(item.id)}`, { version, fields }),
  replay: (items: Item[], how: { dryRun: boolean; overwrite: boolean }) =>
    call<{ results: Result[] }>("POST", "/dead-letters/replay", { items, ...how }).then((r) => r.results),
  discard: (items: Item[], reason: string) => call<{ results: Result[] }>("POST", "/dead-letters/discard", { items, reason }).then((r) => r.results),

  faults: (signal?: AbortSignal) => call<FaultRule[]>("GET", "/org/faults", undefined, signal),
  addFault: (rule: Omit<FaultRule, "id">) => call<unknown>("POST", "/org/faults", rule),
  removeFault: (id: number) => call<unknown>("DELETE", `/org/faults/${id}`),
  clearFaults: () => call<unknown>("DELETE", "/org/faults"),
  journal: (signal?: AbortSignal) => call<JournalEntry[]>("GET", "/org/journal", undefined, signal),
};
