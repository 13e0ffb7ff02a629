import { describe, expect, it } from "vitest";
import { readCatalogue, readTemplates } from "./catalogue.fixture";
import type { Action, FlowDocument } from "../api/types";
import { Catalogue } from "./catalogue";
import { GRID, linesOf, moveActions, positionOf } from "./document";
import { boxOf, type Box } from "./geometry";
import { arrange } from "./layout";
import { routesOf, type Route } from "./routing";

const catalogue = new Catalogue(readCatalogue());

function action(id: string, type: string, ports: Record<string, string> = {}, position: [number, number] = [0, 0]): Action {
  return { id, type, meta: {}, controls: {}, ports, position };
}

/** Start, so many steps that may each fail, one block for all failures, End. */
function withFailures(steps: number): FlowDocument {
  const middle = Array.from({ length: steps }, (_, n) => action(`step-${n}`, "SE_SFSearchAndScreenpop", { success: n + 1 < steps ? `step-${n + 1}` : "end", failure: "log" }));
  return { actions: [action("start", "SE_Start", { done: "step-0" }), ...middle, action("log", "SE_Log", { done: "end" }), action("end", "SE_End")] };
}

function arranged(doc: FlowDocument): FlowDocument {
  return moveActions(doc, arrange(doc, catalogue));
}

function boxesOf(doc: FlowDocument): Map<string, Box> {
  return new Map(doc.actions.map((a) => [a.id, boxOf(catalogue, a)]));
}

function middleOf(doc: FlowDocument, id: string): number {
  const box = boxesOf(doc).get(id);
  return box ? box.y + box.height / 2 : Number.NaN;
}

/** The corners and ends of a path. */
function spots(route: Route): { x: number; y: number }[] {
  const numbers = [...route.path.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map((m) => ({ x: Number(m[1]), y: Number(m[2]) }));
  return numbers.flatMap((spot, n) => {
    const before = numbers[n - 1] ?? spot;
    return Array.from({ length: 20 }, (_, part) => ({ x: before.x + ((spot.x - before.x) * part) / 20, y: before.y + ((spot.y - before.y) * part) / 20 }));
  });
}

function blocksCrossed(doc: FlowDocument): string[] {
  const boxes = boxesOf(doc);
  return [...routesOf(doc, catalogue)].flatMap(([id, route]) =>
    [...boxes].filter(([, box]) => spots(route).some((s) => s.x > box.x && s.x < box.x + box.width && s.y > box.y && s.y < box.y + box.height)).map(([block]) => `${id} crosses ${block}`),
  );
}

describe("an arranged flow", () => {
  it("runs straight from Start to End, and what fails goes on beneath", () => {
    const doc = arranged(withFailures(3));
    for (const id of ["step-0", "step-1", "step-2", "end"]) expect(middleOf(doc, id), id).toBe(middleOf(doc, "start"));
    expect(middleOf(doc, "log")).toBeGreaterThan(middleOf(doc, "start"));
    const lefts = ["start", "step-0", "step-1", "step-2", "log", "end"].map((id) => positionOf(doc.actions.find((a) => a.id === id) ?? action("", ""))[0]);
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
  });

  it("goes on in a new line where it would be much wider than the stage", () => {
    const boxes = [...boxesOf(arranged(withFailures(40))).values()];
    const width = Math.max(...boxes.map((b) => b.x + b.width)) - Math.min(...boxes.map((b) => b.x));
    const height = Math.max(...boxes.map((b) => b.y + b.height)) - Math.min(...boxes.map((b) => b.y));
    expect(width / height).toBeGreaterThan(0.7);
    expect(width / height).toBeLessThan(2.8);
  });

  it("has every block on the grid and apart from the others, loops, loners and strangers too", () => {
    const odd: FlowDocument = {
      actions: [
        action("loop", "SE_CoreTruthy", { true: "loop", false: "back" }),
        action("back", "SE_Log", { done: "loop" }),
        action("alone", "SE_Log"),
        action("strange", "SE_FromTomorrow", { left: "gone", done: "back" }),
        action("end", "SE_End", { done: "loop" }),
      ],
    };
    for (const doc of [odd, withFailures(20), { actions: [] }, ...readTemplates().map((t) => t.document)]) {
      const places = arrange(doc, catalogue);
      expect(places.size).toBe(doc.actions.length);
      expect([...places.values()].flat().every((n) => Number.isInteger(n / GRID))).toBe(true);
      const boxes = [...boxesOf(moveActions(doc, places)).values()];
      for (const [n, a] of boxes.entries()) {
        for (const b of boxes.slice(n + 1)) expect(a.x + a.width < b.x || b.x + b.width < a.x || a.y + a.height < b.y || b.y + b.height < a.y).toBe(true);
      }
    }
  });
});

describe("lines", () => {
  it("go round the blocks of an arranged flow", () => {
    for (const doc of [withFailures(3), withFailures(12), ...readTemplates().map((t) => t.document)]) expect(blocksCrossed(arranged(doc))).toEqual([]);
  });

  it("lead back round what stands between", () => {
    const doc: FlowDocument = {
      actions: [action("a", "SE_Log", { done: "b" }, [640, 0]), action("between", "SE_Log", {}, [320, 0]), action("b", "SE_Log", {}, [0, 0])],
    };
    expect(blocksCrossed(doc)).toEqual([]);
    expect(routesOf(doc, catalogue).get("a:done")).toMatchObject({ from: { x: 900, y: 50 }, to: { x: -10, y: 50 } });
  });

  it("squeeze between blocks that stand close", () => {
    const doc: FlowDocument = { actions: [action("a", "SE_Log", { done: "b" }), action("b", "SE_Log", {}, [96, 112])] };
    expect(blocksCrossed(doc)).toEqual([]);
  });

  it("are a curve where the way is free, and none leads to a block that is missing", () => {
    const doc: FlowDocument = { actions: [action("a", "SE_Log", { done: "b", more: "gone" }), action("b", "SE_Log", {}, [400, 240])] };
    const routes = routesOf(doc, catalogue);
    expect([...routes.keys()]).toEqual(["a:done"]);
    expect(routes.get("a:done")?.path).toContain("C");
    expect(linesOf(doc)).toHaveLength(2);
  });
});
