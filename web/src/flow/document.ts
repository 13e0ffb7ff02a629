import type { Action, BlockSpec, FlowDocument } from "../api/types";
import { defaultControls, type Catalogue } from "./catalogue";
import { asResultReference, expressionsIn, rewriteReferences } from "./expression";

// The document is the file itself, never a translation of it: what the editor does not touch keeps its identity,
// so that keys, order and unknown parts survive. Every edit is a function from a document to a document.

export const GRID = 16;
export const START = "SE_Start";
export const END = "SE_End";
export type Point = [number, number];

export interface Line {
  from: string;
  port: string;
  to: string;
}

export function emptyDocument(): FlowDocument {
  return { actions: [] };
}

/** Null when the value is not a flow; the caller keeps the raw text. */
export function asDocument(value: unknown): FlowDocument | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const actions = (value as { actions?: unknown }).actions;
  if (!Array.isArray(actions)) return null;
  const sound = actions.every(
    (a: unknown) =>
      typeof a === "object" && a !== null && typeof (a as Action).id === "string" && typeof (a as Action).type === "string",
  );
  return sound ? (value as FlowDocument) : null;
}

export function actionOf(doc: FlowDocument, id: string): Action | undefined {
  return doc.actions.find((action) => action.id === id);
}

export function titleOf(catalogue: Catalogue, action: Action): string {
  const label = action.meta?.title;
  return typeof label === "string" && label.trim() !== "" ? label : catalogue.title(action.type);
}

export function positionOf(action: Action): Point {
  const [x, y] = Array.isArray(action.position) ? action.position : [];
  return [finite(x), finite(y)];
}

function finite(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

export function hasPosition(action: Action): boolean {
  return Array.isArray(action.position) && action.position.length === 2 && action.position.every((n) => Number.isFinite(n));
}

export function linesOf(doc: FlowDocument): Line[] {
  return doc.actions.flatMap((action) =>
    Object.entries(action.ports ?? {}).flatMap(([port, to]) =>
      typeof to === "string" && to !== "" ? [{ from: action.id, port, to }] : [],
    ),
  );
}

export function lineId(line: Line): string {
  return `${line.from}:${line.port}`;
}

/** The next free `uid-<n>`, counted from the content. An id that is still referred to is not free: the reference would be met by a stranger. */
export function nextId(doc: FlowDocument, taken: Iterable<string> = []): string {
  let highest = -1;
  const referred = doc.actions.flatMap((action) => expressionsIn(action.controls).map((text) => asResultReference(text)?.id ?? ""));
  for (const id of [...doc.actions.map((action) => action.id), ...referred, ...taken]) {
    const number = /(\d+)$/.exec(id)?.[1];
    if (number !== undefined && number.length < 12) highest = Math.max(highest, Number(number));
  }
  return `uid-${highest + 1}`;
}

export function snap([x, y]: Point): Point {
  return [Math.round(x / GRID) * GRID, Math.round(y / GRID) * GRID];
}

function withActions(doc: FlowDocument, actions: Action[]): FlowDocument {
  return { ...doc, actions };
}

function mapAction(doc: FlowDocument, id: string, change: (action: Action) => Action): FlowDocument {
  return withActions(
    doc,
    doc.actions.map((action) => (action.id === id ? change(action) : action)),
  );
}

export function addAction(doc: FlowDocument, block: BlockSpec, position: Point): { doc: FlowDocument; id: string } {
  const id = nextId(doc);
  const action: Action = { id, type: block.type, meta: {}, controls: defaultControls(block), ports: {}, position };
  return { doc: withActions(doc, [...doc.actions, action]), id };
}

export function moveActions(doc: FlowDocument, moves: Map<string, Point>): FlowDocument {
  return withActions(
    doc,
    doc.actions.map((action) => {
      const to = moves.get(action.id);
      if (!to) return action;
      const [x, y] = positionOf(action);
      return x === to[0] && y === to[1] && hasPosition(action) ? action : { ...action, position: to };
    }),
  );
}

export function connect(doc: FlowDocument, line: Line): FlowDocument {
  return mapAction(doc, line.from, (action) => ({ ...action, ports: { ...(action.ports ?? {}), [line.port]: line.to } }));
}

export function disconnect(doc: FlowDocument, from: string, port: string): FlowDocument {
  return mapAction(doc, from, (action) => {
    const { [port]: _gone, ...ports } = action.ports ?? {};
    return { ...action, ports };
  });
}

/** Removes blocks and their lines; a block with one way out is bridged, so the path stays whole. */
export function removeActions(doc: FlowDocument, ids: Set<string>, heal = true): FlowDocument {
  const byId = new Map(doc.actions.map((action) => [action.id, action]));
  const bridge = (start: string): string | null => {
    let at = start;
    const seen = new Set<string>();
    while (ids.has(at)) {
      if (!heal || seen.has(at)) return null;
      seen.add(at);
      const action = byId.get(at);
      const out = new Set(Object.values(action?.ports ?? {}).filter((to): to is string => typeof to === "string"));
      const into = linesOf(doc).filter((line) => line.to === at);
      const [next] = out;
      if (out.size !== 1 || into.length !== 1 || next === undefined) return null;
      at = next;
    }
    return at;
  };
  const kept = doc.actions
    .filter((action) => !ids.has(action.id))
    .map((action) => {
      const ports = action.ports ?? {};
      if (!Object.values(ports).some((to) => typeof to === "string" && ids.has(to))) return action;
      const next: Record<string, string | null> = {};
      for (const [port, to] of Object.entries(ports)) {
        const target = typeof to === "string" ? bridge(to) : to;
        if (target !== null && target !== action.id) next[port] = target;
      }
      return { ...action, ports: next };
    });
  return withActions(doc, kept);
}

/** Sets one argument; `undefined` takes it out. */
export function setControl(doc: FlowDocument, id: string, name: string, value: unknown): FlowDocument {
  return mapAction(doc, id, (action) => {
    const controls = { ...(action.controls ?? {}) };
    if (value === undefined) delete controls[name];
    else controls[name] = value;
    return { ...action, controls };
  });
}

/** The label typed on the block; an empty one gives the catalogue's title back. */
export function setTitle(doc: FlowDocument, id: string, title: string): FlowDocument {
  return mapAction(doc, id, (action) => {
    const { title: _old, ...meta } = action.meta ?? {};
    return { ...action, meta: title.trim() === "" ? meta : { ...meta, title: title.trim() } };
  });
}

/** Another type in the same place: same id and position; arguments and lines stay where they fit. */
export function changeType(doc: FlowDocument, id: string, block: BlockSpec, old: BlockSpec | undefined): FlowDocument {
  return mapAction(doc, id, (action) => {
    const fresh = defaultControls(block);
    const known = action.controls ?? {};
    const controls = Object.fromEntries(Object.entries(fresh).map(([key, value]) => [key, known[key] ?? value]));
    return { ...action, type: block.type, controls, ports: fitPorts(action.ports ?? {}, block.ports, old?.ports ?? []) };
  });
}

/** The good way out maps to the good way out, whatever it is called. */
function fitPorts(ports: Record<string, string | null>, now: string[], before: string[]): Record<string, string | null> {
  const fitted: Record<string, string | null> = {};
  for (const [port, to] of Object.entries(ports)) {
    const place = before.indexOf(port);
    const name = now.includes(port) ? port : now[place < 0 ? (port === "failure" || port === "false" ? 1 : 0) : place];
    if (name !== undefined && !(name in fitted)) fitted[name] = to;
  }
  return fitted;
}

/** Puts a new block into a line: what led to the target now leads to the block, and its good port on. */
export function insertOnLine(doc: FlowDocument, line: Line, block: BlockSpec, position: Point): { doc: FlowDocument; id: string } {
  const added = addAction(doc, block, position);
  return { doc: threadThrough(added.doc, line, added.id, block.ports[0]), id: added.id };
}

export function threadThrough(doc: FlowDocument, line: Line, id: string, port: string | undefined): FlowDocument {
  const joined = connect(doc, { from: line.from, port: line.port, to: id });
  return port === undefined ? joined : connect(joined, { from: id, port, to: line.to });
}

/** Copies of blocks with new ids; lines and references among them follow, those to blocks left behind stay. */
export function paste(doc: FlowDocument, actions: Action[], offset: Point): { doc: FlowDocument; ids: string[] } {
  const renamed = new Map<string, string>();
  const has = (type: string): boolean => doc.actions.some((action) => action.type === type);
  const coming = actions.filter((a) => !(a.type === START && has(START)) && !(a.type === END && has(END)));
  for (const action of coming) renamed.set(action.id, nextId(doc, renamed.values()));
  const fresh = coming.map((action) => {
    const ports: Record<string, string> = {};
    for (const [port, to] of Object.entries(action.ports ?? {})) {
      const target = typeof to === "string" ? renamed.get(to) : undefined;
      if (target !== undefined) ports[port] = target;
    }
    const [x, y] = positionOf(action);
    const copy: Action = { ...structuredClone(action), id: renamed.get(action.id) ?? action.id, ports };
    copy.position = [x + offset[0], y + offset[1]];
    copy.controls = rewriteReferences(copy.controls ?? {}, (id) => renamed.get(id) ?? id);
    return copy;
  });
  return { doc: withActions(doc, [...doc.actions, ...fresh]), ids: fresh.map((action) => action.id) };
}
