import type { Flow, FlowDocument, Note } from "../api/types";
import { same, type Change } from "./diff";
import { emptyDocument, snap, type Point } from "./document";
import type { Box } from "./geometry";

// Notes stand beside the file and never in it: what the adapter reads does not know of them.

/** The room of a note of a few lines. */
export const NOTE = { width: 224, height: 96 };

/** What an author works on: the file, and the notes beside it. One step of undo holds both. */
export interface Work {
  doc: FlowDocument;
  notes: Note[];
}

export function workOf(flow: Pick<Flow, "document" | "notes">): Work {
  return { doc: flow.document ?? emptyDocument(), notes: flow.notes };
}

/** Notes of an unknown origin, such as the browser's storage; null when they are none. */
export function asNotes(value: unknown): Note[] | null {
  if (!Array.isArray(value)) return null;
  const sound = value.every((note: unknown) => {
    const { id, text, position } = (note ?? {}) as Partial<Note>;
    return typeof id === "string" && typeof text === "string" && Array.isArray(position) && position.length === 2 && position.every(Number.isFinite);
  });
  return sound ? (value as Note[]) : null;
}

/** Ids are made by chance, not counted: two authors never mean two notes by one. */
export function newNote(at: Point): Note {
  return { id: `note-${crypto.randomUUID()}`, text: "", position: snap(at) };
}

/** A note that says nothing is none. */
export function setNote(notes: Note[], note: Note): Note[] {
  if (note.text.trim() === "") return removeNotes(notes, new Set([note.id]));
  return notes.some((other) => other.id === note.id) ? notes.map((other) => (other.id === note.id ? note : other)) : [...notes, note];
}

export function moveNotes(notes: Note[], moves: ReadonlyMap<string, Point>): Note[] {
  if (!notes.some((note) => moves.has(note.id))) return notes;
  return notes.map((note) => ({ ...note, position: moves.get(note.id) ?? note.position }));
}

export function removeNotes(notes: Note[], ids: ReadonlySet<string>): Note[] {
  return notes.some((note) => ids.has(note.id)) ? notes.filter((note) => !ids.has(note.id)) : notes;
}

/** Where blocks are moved, each note goes along with the block it stands nearest to. */
export function carryNotes(notes: Note[], boxes: ReadonlyMap<string, Box>, moves: ReadonlyMap<string, Point>): Note[] {
  const carried = new Map<string, Point>();
  for (const { id, position } of notes) {
    const near = [...boxes].sort((a, b) => distance(position, a[1]) - distance(position, b[1]))[0];
    const to = near && moves.get(near[0]);
    if (to) carried.set(id, [position[0] + to[0] - near[1].x, position[1] + to[1] - near[1].y]);
  }
  return moveNotes(notes, carried);
}

/** From the middle of a block to that of a note of a few lines. */
function distance([x, y]: Point, box: Box): number {
  return Math.hypot(x + NOTE.width / 2 - box.x - box.width / 2, y + NOTE.height / 2 - box.y - box.height / 2);
}

/** By id: what became of each note. */
export function compareNotes(before: Note[], after: Note[]): Map<string, Change> {
  const old = new Map(before.map((note) => [note.id, note]));
  const changes = new Map<string, Change>();
  for (const note of after) {
    const was = old.get(note.id);
    old.delete(note.id);
    changes.set(note.id, !was ? "added" : was.text !== note.text ? "changed" : same(was.position, note.position) ? "same" : "moved");
  }
  for (const id of old.keys()) changes.set(id, "removed");
  return changes;
}

/** What only one changed stands. Where both wrote differently both notes are kept: nobody is asked about a note, and none is lost. */
export function mergeNotes(base: Note[], theirs: Note[], mine: Note[]): Note[] {
  const [before, other, own] = [base, theirs, mine].map((notes) => new Map(notes.map((note) => [note.id, note]))) as [Map<string, Note>, Map<string, Note>, Map<string, Note>];
  return [...new Set([...other.keys(), ...own.keys()])].flatMap((id) => {
    const [b, t, m] = [before.get(id), other.get(id), own.get(id)];
    if (same(t, m) || same(t, b)) return m ?? [];
    if (same(m, b)) return t ?? [];
    if (!t || !m) {
      const left = t ?? m;
      return left && left.text !== b?.text ? left : [];
    }
    const position = same(m.position, b?.position) ? t.position : m.position;
    if (t.text === m.text || t.text === b?.text) return { ...m, position };
    if (m.text === b?.text) return { ...t, position };
    const [x, y] = position;
    return [{ ...m, position }, { ...t, id: `${id}-theirs`, position: [x + 32, y + 32] as Point }];
  });
}
