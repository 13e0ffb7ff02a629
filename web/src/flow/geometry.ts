import type { Action } from "../api/types";
import type { Catalogue } from "./catalogue";
import { positionOf } from "./document";

/** Sizes of the adapter's own stage, so that its files look the same here. */
export const SIZE = {
  circle: { width: 100, height: 100 },
  rect: { width: 250, height: 100 },
  diamond: { width: 250, height: 165 },
} as const;

export interface Spot {
  x: number;
  y: number;
}

export interface Box extends Spot {
  width: number;
  height: number;
}

/** The good ways leave to the right, the bad ones below. */
export type Side = "right" | "below";

export interface Output {
  port: string;
  side: Side;
  /** Where on its side, as a part of the side's length. */
  shift: number;
}

/** A line begins and ends at the outer edge of a socket. */
const SOCKET_RADIUS = 10;

export function shapeOf(catalogue: Catalogue, action: Action): keyof typeof SIZE {
  return catalogue.block(action.type)?.shape ?? "rect";
}

export function sizeOf(catalogue: Catalogue, action: Action): { width: number; height: number } {
  return SIZE[shapeOf(catalogue, action)];
}

export function boxOf(catalogue: Catalogue, action: Action): Box {
  const [x, y] = positionOf(action);
  return { x, y, ...sizeOf(catalogue, action) };
}

export function isBad(port: string): boolean {
  return port === "failure" || port === "false";
}

/** An unknown type has the outputs that its file uses, and one to go on with. */
export function outputsOf(catalogue: Catalogue, action: Action): Output[] {
  const known: string[] = catalogue.block(action.type)?.ports ?? [];
  const used = Object.keys(action.ports ?? {}).filter((port) => !known.includes(port));
  const ports = [...known, ...used];
  if (ports.length === 0 && !catalogue.block(action.type)) ports.push("done");
  return [ports.filter((port) => !isBad(port)), ports.filter(isBad)].flatMap((side, n) =>
    side.map((port, place): Output => ({ port, side: n === 0 ? "right" : "below", shift: (place + 1) / (side.length + 1) })),
  );
}

export function outputSpot(box: Box, output: Output): Spot {
  return output.side === "right"
    ? { x: box.x + box.width + SOCKET_RADIUS, y: box.y + box.height * output.shift }
    : { x: box.x + box.width * output.shift, y: box.y + box.height + SOCKET_RADIUS };
}

export function inputSpot(box: Box): Spot {
  return { x: box.x - SOCKET_RADIUS, y: box.y + box.height / 2 };
}
