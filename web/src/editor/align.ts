import type { FlowDocument } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { moveActions, positionOf, snap, type Point } from "../flow/document";
import { sizeOf } from "../flow/geometry";

/** Puts chosen blocks on one edge or one middle line; the first by place decides. */
export function align(doc: FlowDocument, catalogue: Catalogue, ids: ReadonlySet<string>, how: "left" | "top" | "column" | "row"): FlowDocument {
  const chosen = doc.actions.filter((action) => ids.has(action.id));
  const across = how === "left" || how === "column";
  const axis = across ? 0 : 1;
  const side = across ? "width" : "height";
  const [first] = [...chosen].sort((a, b) => positionOf(a)[across ? 1 : 0] - positionOf(b)[across ? 1 : 0]);
  if (!first) return doc;
  const middle = how === "column" || how === "row";
  const line = positionOf(first)[axis] + (middle ? sizeOf(catalogue, first)[side] / 2 : 0);
  const moves = new Map<string, Point>();
  for (const action of chosen) {
    const to: Point = [...positionOf(action)];
    to[axis] = line - (middle ? sizeOf(catalogue, action)[side] / 2 : 0);
    moves.set(action.id, middle ? to : snap(to));
  }
  return moveActions(doc, moves);
}
