import dagre from "@dagrejs/dagre";
import type { FlowDocument } from "../api/types";
import type { Catalogue } from "./catalogue";
import { linesOf, snap, START, type Point } from "./document";
import { sizeOf } from "./geometry";

/** Left to right, Start first, on the grid. Loaded only when asked for. */
export function arrange(doc: FlowDocument, catalogue: Catalogue): Map<string, Point> {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 56, ranksep: 88, marginx: 0, marginy: 0, ranker: "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  const actions = [...doc.actions].sort((a, b) => Number(b.type === START) - Number(a.type === START));
  for (const action of actions) graph.setNode(action.id, { ...sizeOf(catalogue, action) });
  for (const line of linesOf(doc)) {
    // The good way keeps straight; what leaves below may bend.
    const weight = line.port === "failure" || line.port === "false" ? 1 : 4;
    if (graph.hasNode(line.to)) graph.setEdge(line.from, line.to, { weight });
  }
  dagre.layout(graph);
  const places = new Map<string, Point>();
  for (const action of actions) {
    const at = graph.node(action.id) as unknown as { x: number; y: number };
    const { width, height } = sizeOf(catalogue, action);
    places.set(action.id, snap([at.x - width / 2, at.y - height / 2]));
  }
  return places;
}
