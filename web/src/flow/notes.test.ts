import { describe, expect, it } from "vitest";
import type { Note } from "../api/types";
import { asNotes, carryNotes, compareNotes, mergeNotes, moveNotes, newNote, removeNotes, setNote } from "./notes";

const note = (id: string, text: string, x = 0): Note => ({ id, text, position: [x, 0] });

describe("notes", () => {
  it("are set, moved and removed without a change where nothing is meant", () => {
    const notes = [note("a", "one"), note("b", "two")];
    expect(setNote(notes, note("c", "three")).map((n) => n.id)).toEqual(["a", "b", "c"]);
    expect(setNote(notes, note("a", "  ")).map((n) => n.id)).toEqual(["b"]);
    expect(setNote(notes, note("b", "2"))[1]?.text).toBe("2");
    expect(moveNotes(notes, new Map([["x", [1, 1]]]))).toBe(notes);
    expect(moveNotes(notes, new Map([["a", [16, 0]]]))[0]?.position).toEqual([16, 0]);
    expect(removeNotes(notes, new Set(["x"]))).toBe(notes);
    expect(newNote([3, 20]).position).toEqual([0, 16]);
  });

  it("are read from storage only when they are whole", () => {
    expect(asNotes([note("a", "one")])).toHaveLength(1);
    for (const wrong of [undefined, {}, [null], [{ id: "a", text: "x" }], [{ id: "a", text: "x", position: [0, null] }]]) expect(asNotes(wrong)).toBeNull();
  });

  it("go along with the nearest block", () => {
    const boxes = new Map([
      ["left", { x: 0, y: 0, width: 250, height: 100 }],
      ["right", { x: 400, y: 0, width: 250, height: 100 }],
    ]);
    const notes = [note("a", "one"), note("b", "two", 420)];
    expect(carryNotes(notes, boxes, new Map([["right", [400, 160]]])).map((n) => n.position)).toEqual([[0, 0], [420, 160]]);
    expect(carryNotes(notes, boxes, new Map())).toBe(notes);
    expect(carryNotes(notes, new Map(), new Map())).toBe(notes);
  });

  it("say what became of each", () => {
    const before = [note("a", "one"), note("b", "two"), note("c", "three"), note("d", "four")];
    const changes = compareNotes(before, [note("a", "one"), note("b", "2"), note("c", "three", 16), note("e", "five")]);
    expect(Object.fromEntries(changes)).toEqual({ a: "same", b: "changed", c: "moved", d: "removed", e: "added" });
  });

  it("of two authors are joined, and no text of either is lost", () => {
    const texts: (string | null)[] = [null, "one", "two"];
    for (const b of texts) {
      for (const t of texts) {
        for (const m of texts) {
          const of = (text: string | null, x: number): Note[] => (text === null ? [] : [note("a", text, x)]);
          const merged = mergeNotes(of(b, 0), of(t, 16), of(m, 32));
          const kept = merged.map((n) => n.text);
          const written = [t, m].filter((text): text is string => text !== null && text !== b);
          const what = JSON.stringify({ b, t, m });
          expect(kept, what).toEqual(expect.arrayContaining(written));
          if (written.length === 0) expect(kept, what).toEqual(t === null || m === null ? [] : [b]);
          expect(new Set(merged.map((n) => n.id)).size, what).toBe(merged.length);
        }
      }
    }
    expect(mergeNotes([note("a", "x")], [note("a", "x", 16)], [note("a", "y")])).toEqual([note("a", "y", 16)]);
    expect(mergeNotes([], [note("a", "x")], [note("b", "y")]).map((n) => n.id)).toEqual(["a", "b"]);
  });
});
