import { describe, expect, it } from "vitest";
import type { Action, FlowDocument } from "../api/types";
import { canonical } from "./diff";
import { connect, disconnect, linesOf, moveActions, nextId, removeActions, setControl, setTitle } from "./document";
import { canMerge, merge, type Merged, type Side } from "./merge";

const SEEDS = 1500;

function block(id: string, ports: Record<string, string> = {}, controls: Record<string, unknown> = {}): Action {
  return { id, type: "SE_Log", meta: {}, controls, ports, position: [0, 0] };
}

/** A whole number below `below`, the same again for the same seed. */
function chance(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return (state >>> 8) % below;
  };
}

function chain(length: number): FlowDocument {
  return { name: "Chain", actions: Array.from({ length }, (_, n) => block(`uid-${n}`, n + 1 < length ? { done: `uid-${n + 1}` } : {}, { message: `m${n}` })) };
}

/** What an author does in an hour: edits, moves, lines, removals, new blocks. */
function worked(doc: FlowDocument, next: (below: number) => number, steps: number): FlowDocument {
  let now = doc;
  for (let step = 0; step < steps; step += 1) {
    const any = (): string => now.actions[next(now.actions.length)]?.id ?? "";
    if (now.actions.length === 0) return now;
    const id = any();
    switch (next(7)) {
      case 0:
        now = setControl(now, id, "message", next(4));
        break;
      case 1:
        now = setTitle(now, id, `T${next(3)}`);
        break;
      case 2:
        now = moveActions(now, new Map([[id, [next(9) * 16, next(9) * 16]]]));
        break;
      case 3:
        now = connect(now, { from: id, port: next(2) === 0 ? "done" : "failure", to: any() });
        break;
      case 4:
        now = disconnect(now, id, "done");
        break;
      case 5:
        now = removeActions(now, new Set([id]), next(2) === 0);
        break;
      default: {
        const fresh = nextId(now);
        const refers = { message: `$.actions.${id}.results.value`, n: next(3) };
        now = connect({ ...now, actions: [...now.actions, block(fresh, { done: id }, refers)] }, { from: any(), port: "done", to: fresh });
      }
    }
  }
  return now;
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

/** The blocks by id, whatever their order in the file. */
function blocks(doc: FlowDocument): Record<string, string> {
  return Object.fromEntries(doc.actions.map((action) => [action.id, canonical(action)]).sort());
}

function withoutPorts(action: Action | undefined): string {
  return canonical(action ? { ...action, ports: null } : null);
}

function contentOf(action: Action | undefined): string {
  return canonical(action ? { ...action, ports: null, position: null } : null);
}

const find = (doc: FlowDocument, id: string): Action | undefined => doc.actions.find((action) => action.id === id);

function eachHistory(check: (base: FlowDocument, theirs: FlowDocument, mine: FlowDocument, seed: number) => void): void {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const next = chance(seed);
    const base = frozen(chain(1 + next(6)));
    check(base, frozen(worked(base, next, next(5))), frozen(worked(base, next, next(5))), seed);
  }
}

describe("a merge", () => {
  it("is theirs where I changed nothing, mine where they changed nothing, and either where both did the same", () => {
    eachHistory((base, theirs, mine, seed) => {
      const expected: [Merged, FlowDocument][] = [
        [merge(base, theirs, base), theirs],
        [merge(base, base, mine), mine],
        [merge(base, mine, mine), mine],
      ];
      for (const [merged, doc] of expected) {
        expect(blocks(merged.doc), `seed ${seed}`).toEqual(blocks(doc));
        expect([merged.overlaps, merged.renamed, merged.cut], `seed ${seed}`).toEqual([[], [], []]);
      }
      expect(merge(base, theirs, base).doc.actions.map((a) => a.id)).toEqual(theirs.actions.map((a) => a.id));
    });
  });

  it("loses no change of either, and asks about a block only where both changed it", () => {
    let overlapping = 0;
    eachHistory((base, theirs, mine, seed) => {
      const merged = merge(base, theirs, mine);
      const asked = new Set(merged.overlaps.map((overlap) => overlap.id));
      overlapping += asked.size;
      const named = new Map(merged.renamed.map(({ from, to }) => [to, from]));
      for (const id of new Set([...base.actions, ...theirs.actions, ...merged.doc.actions].map((a) => a.id))) {
        const [b, t, m] = [find(base, id), find(theirs, id), named.has(id) ? undefined : find(mine, id)];
        const [changedByThem, changedByMe] = [canonical(t ?? null) !== canonical(b ?? null), canonical(m ?? null) !== canonical(b ?? null)];
        if (asked.has(id)) expect(changedByThem && changedByMe, `seed ${seed}: ${id}`).toBe(true);
        if (b && t && m && changedByThem && changedByMe && !asked.has(id)) {
          const both = find(merged.doc, id);
          expect(contentOf(both), `seed ${seed}: content of ${id}`).toBe(contentOf(contentOf(t) === contentOf(b) ? m : t));
          expect(both?.position, `seed ${seed}: place of ${id}`).toEqual(canonical(m.position) === canonical(b.position) ? t.position : m.position);
        }
        if (named.has(id) || (changedByThem && changedByMe)) continue;
        if (changedByThem) expect(withoutPorts(find(merged.doc, id)), `seed ${seed}: their ${id}`).toBe(withoutPorts(t));
        else if (merged.renamed.length === 0) expect(withoutPorts(find(merged.doc, id)), `seed ${seed}: my ${id}`).toBe(withoutPorts(m));
      }
      for (const { from, to } of merged.renamed) {
        expect(find(merged.doc, to)?.type, `seed ${seed}`).toBe(find(mine, from)?.type);
        expect(canonical(find(merged.doc, from)?.controls), `seed ${seed}`).toBe(canonical(find(theirs, from)?.controls));
      }
    });
    expect(overlapping, "the histories must meet").toBeGreaterThan(SEEDS / 20);
  });

  it("asks the same of both authors", () => {
    eachHistory((base, theirs, mine, seed) => {
      const ids = (merged: Merged): string[] => merged.overlaps.map((overlap) => overlap.id).sort();
      expect(ids(merge(base, theirs, mine)), `seed ${seed}`).toEqual(ids(merge(base, mine, theirs)));
    });
  });

  it("takes each overlap as it is chosen, leaves no line into nothing and no id twice", () => {
    eachHistory((base, theirs, mine, seed) => {
      for (const side of ["theirs", "mine"] as Side[]) {
        const asked = merge(base, theirs, mine).overlaps;
        const { doc } = merge(base, theirs, mine, new Map(asked.map(({ id }) => [id, side])));
        for (const overlap of asked) expect(withoutPorts(find(doc, overlap.id)), `seed ${seed}`).toBe(withoutPorts(overlap[side] ?? undefined));
        const ids = doc.actions.map((action) => action.id);
        expect(new Set(ids).size, `seed ${seed}`).toBe(ids.length);
        const old = new Set([base, theirs, mine].flatMap((d) => linesOf(d).filter((line) => !find(d, line.to)).map((line) => line.to)));
        expect(linesOf(doc).filter((line) => !ids.includes(line.to) && !old.has(line.to)), `seed ${seed}`).toEqual([]);
      }
    });
  });

  it("joins an inserted block with an edit of its neighbour", () => {
    const base = chain(3);
    const theirs = connect({ ...base, actions: [...base.actions, block("uid-3", { done: "uid-1" })] }, { from: "uid-0", port: "done", to: "uid-3" });
    const mine = setControl(base, "uid-0", "message", "hello");
    const { doc, overlaps } = merge(base, theirs, mine);
    expect(overlaps).toEqual([]);
    expect(find(doc, "uid-0")).toMatchObject({ controls: { message: "hello" }, ports: { done: "uid-3" } });
  });

  it("keeps both new blocks that got the same id, and what refers to mine follows", () => {
    const base = chain(2);
    const theirs = { ...base, actions: [...base.actions, block("uid-2", {}, { message: "theirs" })] };
    const own = [block("uid-2", { done: "uid-3" }, { message: "mine" }), block("uid-3", {}, { message: "$.actions.uid-2.results.value" })];
    const { doc, renamed } = merge(base, theirs, { ...base, actions: [...base.actions, ...own] });
    expect(renamed).toEqual([{ from: "uid-2", to: "uid-4" }]);
    expect(find(doc, "uid-2")?.controls).toEqual({ message: "theirs" });
    expect(find(doc, "uid-4")).toMatchObject({ controls: { message: "mine" }, ports: { done: "uid-3" } });
    expect(find(doc, "uid-3")?.controls).toEqual({ message: "$.actions.uid-4.results.value" });
  });

  it("asks when one removed what the other changed, not when the other only moved it", () => {
    const base = chain(3);
    const gone = removeActions(base, new Set(["uid-1"]));
    const moved = moveActions(base, new Map([["uid-1", [160, 0]]]));
    expect(merge(base, gone, moved)).toMatchObject({ overlaps: [], doc: { actions: [{ id: "uid-0" }, { id: "uid-2" }] } });
    const changed = setControl(base, "uid-1", "message", "x");
    expect(merge(base, gone, changed).overlaps).toMatchObject([{ id: "uid-1", theirs: null, mine: { controls: { message: "x" } } }]);
  });

  it("cuts the line that I drew to a block they removed, and says so", () => {
    const base = chain(3);
    const gone = removeActions(base, new Set(["uid-2"]));
    const drawn = connect(base, { from: "uid-0", port: "failure", to: "uid-2" });
    const { doc, cut } = merge(base, gone, drawn);
    expect(cut).toEqual([{ from: "uid-0", port: "failure", to: "uid-2" }]);
    expect(find(doc, "uid-0")?.ports).toEqual({ done: "uid-1" });
  });

  it("is not for a file in which two blocks share an id", () => {
    const doubled = { actions: [block("uid-0"), block("uid-0")] };
    expect(canMerge(chain(2), chain(3), doubled)).toBe(false);
    expect(canMerge(chain(2), chain(3), chain(4))).toBe(true);
  });

  it("merges what else is in the file, key by key", () => {
    const base = { ...chain(1), a: 1, b: 1, c: 1 };
    expect(merge(base, { ...base, a: 2, c: 2 }, { ...base, b: 3, c: 3 }).doc).toMatchObject({ a: 2, b: 3, c: 3, name: "Chain" });
  });
});
