import { parseJson } from "../api/lossless";
import type { FlowDocument, Note } from "../api/types";
import { asDocument } from "../flow/document";
import { asNotes } from "../flow/notes";

/** Unsaved work of one flow, kept in this browser through reloads and lost lines. */
export interface Draft {
  document: FlowDocument;
  /** Null where none were kept with it: those of the server are meant. */
  notes: Note[] | null;
  baseVersion: number;
  at: number;
}

const key = (id: string): string => `tieline.draft.${id}`;

export function keepDraft(id: string, draft: Draft): void {
  try {
    localStorage.setItem(key(id), JSON.stringify(draft));
  } catch {
    // Full or forbidden storage: the page itself still holds the work.
  }
}

export function readDraft(id: string): Draft | null {
  try {
    const kept = parseJson(localStorage.getItem(key(id)) ?? "null") as Partial<Draft> | null;
    const document = asDocument(kept?.document);
    return document && typeof kept?.baseVersion === "number" ? { document, notes: asNotes(kept.notes), baseVersion: kept.baseVersion, at: kept.at ?? 0 } : null;
  } catch {
    return null;
  }
}

export function dropDraft(id: string): void {
  try {
    localStorage.removeItem(key(id));
  } catch {
    // Nothing was kept, then.
  }
}
