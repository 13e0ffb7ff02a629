import type { Action, FlowDocument } from "../api/types";
import { same } from "./diff";
import { linesOf, nextId, type Line } from "./document";
import { rewriteReferences } from "./expression";

// Two people changed one version. Block by block, what only one of them changed stands; what both changed differently
// is an overlap, and a person chooses. Where a block stands on the stage is no meaning and never an overlap.

export type Side = "theirs" | "mine";

/** A block that both changed; null where one of them removed it. */
export interface Overlap {
  id: string;
  base: Action;
  theirs: Action | null;
  mine: Action | null;
}

export interface Merged {
  doc: FlowDocument;
  overlaps: Overlap[];
  /** Blocks of mine that were new under an id that they gave to a new block as well. */
  renamed: { from: string; to: string }[];
  /** Lines that would lead to a block that one of us removed. */
  cut: Line[];
}

/** What both made of the version that both began with. Overlaps are taken as chosen, mine where nothing is. */
export function merge(base: FlowDocument, theirs: FlowDocument, mine: FlowDocument, chosen: ReadonlyMap<string, Side> = new Map()): Merged {
  const { doc: own, renamed } = apart(base, theirs, mine);
  const [before, other, ours] = [byId(base), byId(theirs), byId(own)];
  const overlaps: Overlap[] = [];
  const merged = new Map<string, Action>();
  for (const id of new Set([...other.keys(), ...ours.keys()])) {
    const [b, t, m] = [before.get(id) ?? null, other.get(id) ?? null, ours.get(id) ?? null];
    const both = mergeBlock(b, t, m);
    if (both === "overlap" && b) overlaps.push({ id, base: b, theirs: t, mine: m });
    const stands = both === "overlap" ? (chosen.get(id) === "theirs" ? t : m) : both;
    if (stands) merged.set(id, stands);
  }
  const rest = mergeParts(base, theirs, own, "mine") as FlowDocument;
  const placed = inOrder(theirs, own, merged);
  const dangling = new Set([base, theirs, own].flatMap((doc) => danglingOf(doc).map(keyOf)));
  const cut = danglingOf({ actions: placed }).filter((line) => !dangling.has(keyOf(line)));
  return { doc: { ...rest, actions: placed.map((action) => without(action, cut)) }, overlaps, renamed, cut };
}

/** Blocks are told apart by their ids: where two share one, a merge would lose one of them. */
export function canMerge(...docs: FlowDocument[]): boolean {
  return docs.every((doc) => byId(doc).size === doc.actions.length);
}

/** A new block of mine whose id is taken by another new one of theirs gets the next free id; what refers to it follows. */
function apart(base: FlowDocument, theirs: FlowDocument, mine: FlowDocument): { doc: FlowDocument; renamed: { from: string; to: string }[] } {
  const [before, other] = [byId(base), byId(theirs)];
  const all: FlowDocument = { actions: [...base.actions, ...theirs.actions, ...mine.actions] };
  const names = new Map<string, string>();
  for (const action of mine.actions) {
    const taken = other.get(action.id);
    if (taken && !before.has(action.id) && !same(taken, action)) names.set(action.id, nextId(all, names.values()));
  }
  if (names.size === 0) return { doc: mine, renamed: [] };
  const named = (id: string): string => names.get(id) ?? id;
  const actions = mine.actions.map((action) => ({
    ...action,
    id: named(action.id),
    ports: Object.fromEntries(Object.entries(action.ports ?? {}).map(([port, to]) => [port, to === null ? null : named(to)])),
    controls: rewriteReferences(action.controls ?? {}, named),
  }));
  return { doc: { ...mine, actions }, renamed: [...names].map(([from, to]) => ({ from, to })) };
}

function mergeBlock(base: Action | null, theirs: Action | null, mine: Action | null): Action | null | "overlap" {
  if (same(theirs, mine) || same(theirs, base)) return mine;
  if (same(mine, base)) return theirs;
  if (!base || !theirs || !mine) {
    // One removed it; that the other only moved it changes nothing.
    const left = theirs ?? mine;
    return base && left && same(meaningOf(left), meaningOf(base)) ? null : "overlap";
  }
  const split = ({ position, ports, ...content }: Action): { content: object; position: unknown; ports: object } => ({ content, position, ports: ports ?? {} });
  const [b, t, m] = [split(base), split(theirs), split(mine)];
  const content = pick(b.content, t.content, m.content);
  const ports = mergeParts(b.ports, t.ports, m.ports);
  if (content === "overlap" || ports === "overlap") return "overlap";
  const position = pick(b.position, t.position, m.position);
  const place = position === "overlap" ? m.position : position;
  // The file of the one whose content stands is carried on, key by key.
  const whole = content === t.content ? theirs : mine;
  return { ...whole, ports, ...(place === undefined ? {} : { position: place }) } as Action;
}

function pick<T>(base: T, theirs: T, mine: T): T | "overlap" {
  if (same(theirs, mine) || same(theirs, base)) return mine;
  return same(mine, base) ? theirs : "overlap";
}

/** Key by key; a key that both changed differently is an overlap, unless mine is to stand. */
function mergeParts(base: object, theirs: object, mine: object, otherwise: "overlap" | "mine" = "overlap"): object | "overlap" {
  const [b, t, m] = [base, theirs, mine] as Record<string, unknown>[];
  const parts: [string, unknown][] = [];
  for (const key of new Set([...Object.keys(t ?? {}), ...Object.keys(m ?? {})])) {
    if (key === "actions") continue;
    const part = pick(b?.[key], t?.[key], m?.[key]);
    if (part === "overlap" && otherwise === "overlap") return "overlap";
    const stands = part === "overlap" ? m?.[key] : part;
    if (stands !== undefined) parts.push([key, stands]);
  }
  return Object.fromEntries(parts);
}

/** In their order; a block of mine that they do not have comes after the one it follows in mine. */
function inOrder(theirs: FlowDocument, mine: FlowDocument, merged: ReadonlyMap<string, Action>): Action[] {
  const order = theirs.actions.map((action) => action.id);
  const known = new Set(order);
  let before = -1;
  for (const { id } of mine.actions) {
    if (known.has(id)) before = order.indexOf(id);
    else {
      before += 1;
      order.splice(before, 0, id);
    }
  }
  return order.flatMap((id) => merged.get(id) ?? []);
}

function byId(doc: FlowDocument): Map<string, Action> {
  return new Map(doc.actions.map((action) => [action.id, action]));
}

function meaningOf({ position: _place, ...rest }: Action): object {
  return rest;
}

function danglingOf(doc: FlowDocument): Line[] {
  const ids = new Set(doc.actions.map((action) => action.id));
  return linesOf(doc).filter((line) => !ids.has(line.to));
}

function keyOf(line: Line): string {
  return JSON.stringify([line.from, line.port, line.to]);
}

function without(action: Action, lines: Line[]): Action {
  const ports = lines.filter((line) => line.from === action.id).map((line) => line.port);
  if (ports.length === 0) return action;
  return { ...action, ports: Object.fromEntries(Object.entries(action.ports ?? {}).filter(([port]) => !ports.includes(port))) };
}
