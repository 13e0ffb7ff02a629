import { call } from "./client";
import type { components, operations, paths } from "./schema";
import type { Json } from "./types";

// The operations part of the JSON interface, by the types that are made from its own description.
// Times are milliseconds since 1970.

/** Whatever an answer may leave out, Tieline answers as null. */
type Told<T> = T extends (infer Item)[] ? Told<Item>[] : T extends object ? { [Key in keyof T]-?: Told<Exclude<T[Key], undefined>> } : T;
type Schema<Name extends keyof components["schemas"]> = Told<components["schemas"][Name]>;
type Content<T> = T extends { content: { "application/json": infer Body } } ? Told<Body> : unknown;
type Answer<Operation> = Operation extends { responses: { 200: infer Ok } } ? Content<Ok> : unknown;
type Query<Operation> = Operation extends { parameters: { query?: infer Given } } ? Given : never;

export type Overview = Schema<"Overview">;
export type Signature = Schema<"Signature">;
export type Counted = Schema<"Counted">;
export type Budget = Schema<"BudgetView">;
export type Sample = Schema<"Sample">;
export type Fault = Schema<"ErrorView">;
export type Moment = Schema<"MomentView">;
export type Write = Schema<"WriteView">;
export type Read = Schema<"ReadView">;
export type Deed = Schema<"Deed">;
export type Timeline = Schema<"Timeline">;
export type Cache = Schema<"CacheView">;
export type Setting = Schema<"Setting">;
export type Check = Schema<"Check">;
export type Result = Schema<"Done">;
/** Names one dead letter. */
export type Item = Schema<"Item">;
export type DeadLetter = Omit<Schema<"DeadLetterView">, "payload"> & { payload: Json };
export type JournalEntry = Omit<Schema<"Entry">, "fields"> & { fields: Record<string, Json> };

export interface LetterFilter {
  contact: string;
  object: string;
  code: string;
  field: string;
  /** Died within so many milliseconds; empty for whenever. */
  last: string;
}

export type FaultRule = components["schemas"]["FaultRule"];
/** A rule before it is in force. */
export type NewRule = Omit<FaultRule, "id" | "matched" | "struck">;

export interface Page<T> {
  rows: T[];
  next: string | null;
}

const at = encodeURIComponent;

function query(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

type Gettable = { [Path in keyof paths]: paths[Path] extends { get: unknown } ? Path : never }[keyof paths];

/** GET of a path without places. */
function get<Path extends Gettable>(path: Path, signal?: AbortSignal, values?: Query<paths[Path]["get"]>): Promise<Answer<paths[Path]["get"]>> {
  return call("GET", `${path}${query(values ?? {})}`, undefined, signal);
}

/** The page that begins there, or the first. */
function from(after: string | null): { after?: string; limit: number } {
  return after === null ? { limit: 100 } : { after, limit: 100 };
}

type Body<Name extends keyof components["schemas"]> = components["schemas"][Name];

function post<Name extends keyof operations>(path: string, body?: unknown): Promise<Answer<operations[Name]>> {
  return call("POST", path, body);
}

export const line = {
  overview: (signal?: AbortSignal) => get("/overview", signal),
  series: (signal?: AbortSignal) => get("/series", signal),
  pause: () => post<"pause">("/worker/pause"),
  resume: () => post<"resume">("/worker/resume"),
  settings: (signal?: AbortSignal) => get("/settings", signal),
  doctor: (objects: string, signal?: AbortSignal) => get("/doctor", signal, { objects }),
  cache: (signal?: AbortSignal) => get("/cache", signal),
  forget: (record: string) => post<"forget">("/cache/forget", { record } satisfies Body<"Forget">),

  contact: (contact: string, signal?: AbortSignal): Promise<Timeline> => call("GET", `/contacts/${at(contact)}`, undefined, signal),
  doubt: (after: string | null, signal?: AbortSignal): Promise<Page<Write>> => get("/doubt", signal, from(after)).then(({ writes, next }) => ({ rows: writes, next })),
  waiting: (after: string | null, signal?: AbortSignal): Promise<Page<Write>> => get("/waiting", signal, from(after)).then(({ writes, next }) => ({ rows: writes, next })),
  history: (after: string | null, signal?: AbortSignal): Promise<Page<Deed>> => get("/history", signal, from(after)).then(({ entries, next }) => ({ rows: entries, next })),

  letters: ({ last, ...filter }: LetterFilter, after: string | null, signal?: AbortSignal): Promise<Page<DeadLetter>> =>
    get("/dead-letters", signal, { ...filter, ...(last ? { from: Date.now() - Number(last) } : {}), ...from(after) }).then(({ deadLetters, next }) => ({ rows: deadLetters as DeadLetter[], next })),
  letter: (item: Item, signal?: AbortSignal): Promise<DeadLetter> => call("GET", `/dead-letters/${at(item.contact)}/${at(item.id)}`, undefined, signal),
  /** Puts another write in its place. Refused with 409 when somebody changed the letter after `version`. */
  edit: (item: Item, version: number, write: Json): Promise<DeadLetter> =>
    call("PUT", `/dead-letters/${at(item.contact)}/${at(item.id)}`, { version, write }),
  replay: (items: Item[], how: { dryRun: boolean; overwrite: boolean }) =>
    post<"replay">("/dead-letters/replay", { items, ...how } satisfies Body<"Replay">).then((r) => r.results),
  discard: (items: Item[], reason: string) => post<"discard">("/dead-letters/discard", { items, reason } satisfies Body<"Discard">).then((r) => r.results),

  faults: (signal?: AbortSignal) => call<FaultRule[]>("GET", "/org/faults", undefined, signal),
  addFault: (rule: NewRule) => call<unknown>("POST", "/org/faults", rule),
  removeFault: (id: number) => call<unknown>("DELETE", `/org/faults/${id}`),
  clearFaults: () => call<unknown>("DELETE", "/org/faults"),
  journal: (after: string | null, signal?: AbortSignal): Promise<Page<JournalEntry>> =>
    get("/org/journal", signal, from(after)).then(({ entries, next }) => ({ rows: entries as JournalEntry[], next })),
};
