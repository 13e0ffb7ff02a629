import type { Action } from "../api/types";
import type { Catalogue } from "./catalogue";

/** Sizes of the adapter's own stage, so that its files look the same here. */
export const SIZE = {
  circle: { width: 100, height: 100 },
  rect: { width: 250, height: 100 },
  diamond: { width: 250, height: 165 },
} as const;

export function shapeOf(catalogue: Catalogue, action: Action): keyof typeof SIZE {
  return catalogue.block(action.type)?.shape ?? "rect";
}

export function sizeOf(catalogue: Catalogue, action: Action): { width: number; height: number } {
  return SIZE[shapeOf(catalogue, action)];
}
