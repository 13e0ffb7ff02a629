import type { FlowDocument } from "../api/types";
import type { Catalogue } from "./catalogue";
import { lineId, linesOf } from "./document";
import { boxOf, inputSpot, outputsOf, outputSpot, type Box, type Side, type Spot } from "./geometry";

// How lines find their way. A line that runs forwards in the open is a curve. Any other goes at right angles, by the way
// that crosses the fewest blocks, and lies on no other line unless both lead to the same block.

export interface Ends {
  from: Spot;
  side: Side;
  to: Spot;
}

export interface Route extends Ends {
  /** The path of an SVG. */
  path: string;
  middle: Spot;
}

interface Segment {
  upright: boolean;
  /** The coordinate that all its points share, and the two between which it runs. */
  at: number;
  low: number;
  high: number;
  to: string;
}

/** How far a line runs straight out of a socket and into one. */
const STUB = 26;
/** Room kept round a block; above it stands its id. */
const ROOM = { side: 8, above: 20, below: 8 };
const TIGHT = { side: 4, above: 4, below: 4 };
const CLEARANCES = [8, 20, 32];
/** Where blocks stand too close for that, a line squeezes between them. */
const SQUEEZE = 6;
/** Lines nearer than this look like one. */
const LANE = 11;
const RADIUS = 20;
const COST = { block: 2000, close: 150, corner: 60, shared: 4 };
const CHANNELS = 32;
const REACH = 320;

/** The ways of all lines, by their ids. The good ones choose first. */
export function routesOf(doc: FlowDocument, catalogue: Catalogue): Map<string, Route> {
  const boxes = new Map(doc.actions.map((action) => [action.id, boxOf(catalogue, action)]));
  const outputs = new Map(doc.actions.map((action) => [action.id, outputsOf(catalogue, action)]));
  const all = [...boxes.values()];
  const taken = new Lanes();
  const routes = new Map<string, Route>();
  const lines = linesOf(doc).flatMap((line) => {
    const [source, target] = [boxes.get(line.from), boxes.get(line.to)];
    const output = outputs.get(line.from)?.find((o) => o.port === line.port);
    return source && target && output ? [{ line, ends: { from: outputSpot(source, output), side: output.side, to: inputSpot(target) } }] : [];
  });
  for (const side of ["right", "below"] as const) {
    for (const { line, ends } of lines) {
      if (ends.side === side) routes.set(lineId(line), route(ends, all, taken, line.to));
    }
  }
  return routes;
}

/** The way of one line by itself, as while its block is being dragged. */
export function route(ends: Ends, boxes: Box[], taken = new Lanes(), target = ""): Route {
  const near = within(boxes, ends);
  if (runsForward(ends)) {
    const curve = curveOf(ends);
    if (!near.some((box) => curve.some((spot) => inside(spot, box)))) {
      if (ends.from.y === ends.to.y) taken.add([ends.from, ends.to], target);
      return { ...ends, path: curvePath(ends), middle: middleOf(ends) };
    }
  }
  let best: { corners: Spot[]; cost: number } | null = null;
  for (const corners of ways(ends, near)) {
    const cost = costOf(corners, near, taken, target, best?.cost ?? Infinity);
    if (!best || cost < best.cost) best = { corners, cost };
  }
  const corners = best?.corners ?? [ends.from, ends.to];
  taken.add(corners, target);
  // A broken line is drawn from its end: where several run into one block, their dashes fall together.
  return { ...ends, path: roundedPath(ends.side === "below" ? corners.reverse() : corners), middle: halfway(corners) };
}

function runsForward({ from, side, to }: Ends): boolean {
  return side === "right" && to.x - from.x >= STUB;
}

function bend({ from, to }: Ends): number {
  return Math.max(STUB, (to.x - from.x) / 2);
}

function curvePath(ends: Ends): string {
  const { from, to } = ends;
  const reach = bend(ends);
  return `M${from.x},${from.y} C${from.x + reach},${from.y} ${to.x - reach},${to.y} ${to.x},${to.y}`;
}

function middleOf({ from, to }: Ends): Spot {
  return { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
}

/** Points along the curve, close enough that no block slips between two. */
function curveOf(ends: Ends): Spot[] {
  const { from, to } = ends;
  const reach = bend(ends);
  const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 40) + 2;
  return Array.from({ length: count - 1 }, (_, n) => {
    const t = (n + 1) / count;
    const [a, b, c, d] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
    return {
      x: a * from.x + b * (from.x + reach) + c * (to.x - reach) + d * to.x,
      y: a * from.y + b * from.y + c * to.y + d * to.y,
    };
  });
}

/** Every way worth a try: straight across, by a corner, or through the rows between the blocks. */
function ways({ from, side, to }: Ends, near: Box[]): Spot[][] {
  const tries: Spot[][] = [];
  const rows = channels(near.flatMap((box) => [box.y - SQUEEZE, box.y + box.height + SQUEEZE, ...CLEARANCES.flatMap((k) => [box.y - ROOM.above - k, box.y + box.height + ROOM.below + k])]), from.y, to.y);
  const into = { x: to.x - STUB, y: to.y };
  if (side === "below") {
    if (to.y >= from.y + STUB && to.x >= from.x + STUB) tries.push([from, { x: from.x, y: to.y }, to]);
    for (const x of [into.x, into.x - LANE]) {
      for (const y of [from.y + STUB, ...rows]) {
        if (y >= from.y + STUB - 8) tries.push([from, { x: from.x, y }, { x, y }, { x, y: to.y }, to]);
      }
    }
    return tries;
  }
  const out = { x: from.x + STUB, y: from.y };
  if (into.x >= out.x) {
    const columns = channels(near.flatMap((box) => [box.x - STUB, box.x + box.width + STUB]), from.x, to.x);
    for (const x of columns) {
      if (x >= out.x && x <= into.x) tries.push([from, { x, y: from.y }, { x, y: to.y }, to]);
    }
  }
  for (const y of rows) tries.push([from, out, { x: out.x, y }, { x: into.x, y }, into, to]);
  return tries;
}

/** Where a line may run along, the nearest to its ends or their middle first. */
function channels(places: number[], a: number, b: number): number[] {
  const middle = (a + b) / 2;
  const off = (place: number): number => Math.min(Math.abs(place - a), Math.abs(place - b), Math.abs(place - middle));
  return [...new Set([middle, ...places])].sort((p, q) => off(p) - off(q)).slice(0, CHANNELS);
}

/** Counts no further once a way is dearer than the best. */
function costOf(corners: Spot[], near: Box[], taken: Lanes, target: string, best: number): number {
  let cost = (corners.length - 2) * COST.corner;
  for (const segment of segmentsOf(corners, target)) {
    cost += segment.high - segment.low + taken.shared(segment) * COST.shared;
    for (const box of near) {
      if (cost >= best) return cost;
      if (crosses(segment, box, TIGHT)) cost += COST.block;
      else if (crosses(segment, box, ROOM)) cost += COST.close;
    }
  }
  return cost;
}

function segmentsOf(corners: Spot[], to: string): Segment[] {
  return corners.slice(1).flatMap((end, n): Segment[] => {
    const start = corners[n] ?? end;
    if (start.x === end.x && start.y === end.y) return [];
    const upright = start.x === end.x;
    const [a, b] = upright ? [start.y, end.y] : [start.x, end.x];
    return [{ upright, at: upright ? start.x : start.y, low: Math.min(a, b), high: Math.max(a, b), to }];
  });
}

function crosses({ upright, at, low, high }: Segment, box: Box, room: typeof ROOM): boolean {
  const [left, right] = [box.x - room.side, box.x + box.width + room.side];
  const [top, bottom] = [box.y - room.above, box.y + box.height + room.below];
  return upright ? at > left && at < right && high > top && low < bottom : at > top && at < bottom && high > left && low < right;
}

function inside({ x, y }: Spot, box: Box): boolean {
  return x > box.x - ROOM.side && x < box.x + box.width + ROOM.side && y > box.y - ROOM.side && y < box.y + box.height + ROOM.below;
}

function within(boxes: Box[], { from, to }: Ends): Box[] {
  const [left, right] = [Math.min(from.x, to.x) - REACH, Math.max(from.x, to.x) + REACH];
  const [top, bottom] = [Math.min(from.y, to.y) - REACH, Math.max(from.y, to.y) + REACH];
  return boxes.filter((box) => box.x < right && box.x + box.width > left && box.y < bottom && box.y + box.height > top);
}

/** Where lines already run. */
class Lanes {
  readonly #byPlace = new Map<string, Segment[]>();

  add(corners: Spot[], to: string): void {
    for (const segment of segmentsOf(corners, to)) {
      const key = this.#key(segment, 0);
      this.#byPlace.set(key, [...(this.#byPlace.get(key) ?? []), segment]);
    }
  }

  /** The length that a segment would share with lines to other blocks. */
  shared(segment: Segment): number {
    let length = 0;
    for (const step of [-1, 0, 1]) {
      for (const other of this.#byPlace.get(this.#key(segment, step)) ?? []) {
        if (other.to !== segment.to && Math.abs(other.at - segment.at) < LANE) length += Math.max(0, Math.min(other.high, segment.high) - Math.max(other.low, segment.low));
      }
    }
    return length;
  }

  #key({ upright, at }: Segment, step: number): string {
    return `${upright ? "x" : "y"}${Math.floor(at / LANE) + step}`;
  }
}

/** A path of straight pieces with round corners, as wide as the pieces let them be. */
function roundedPath(points: Spot[]): string {
  const corners = points.filter((p, n) => !isBetween(points[n - 1], p, points[n + 1]));
  let path = "";
  corners.forEach((corner, n) => {
    const [before, after] = [corners[n - 1], corners[n + 1]];
    if (!before) path = `M${corner.x},${corner.y}`;
    else if (!after) path += ` L${corner.x},${corner.y}`;
    else {
      const radius = Math.min(RADIUS, distance(before, corner) / 2, distance(corner, after) / 2);
      const [a, b] = [toward(corner, before, radius), toward(corner, after, radius)];
      path += ` L${a.x},${a.y} Q${corner.x},${corner.y} ${b.x},${b.y}`;
    }
  });
  return path;
}

function isBetween(a: Spot | undefined, p: Spot, b: Spot | undefined): boolean {
  if (!a || !b) return false;
  return (a.x === p.x && p.x === b.x) || (a.y === p.y && p.y === b.y);
}

function distance(a: Spot, b: Spot): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

function toward(from: Spot, to: Spot, length: number): Spot {
  const whole = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) * length) / whole, y: from.y + ((to.y - from.y) * length) / whole };
}

function halfway(corners: Spot[]): Spot {
  let left = corners.slice(1).reduce((sum, spot, n) => sum + distance(corners[n] ?? spot, spot), 0) / 2;
  for (const [n, spot] of corners.slice(1).entries()) {
    const start = corners[n] ?? spot;
    const length = distance(start, spot);
    if (length >= left) return toward(start, spot, left);
    left -= length;
  }
  return corners[0] ?? { x: 0, y: 0 };
}
