import { parseJson } from "../api/lossless";
import type { Action, FlowDocument } from "../api/types";
import { asDocument } from "./document";

/** Blocks travel as a flow document, so they paste into an editor, a file or a mail alike. */
export function copyText(doc: FlowDocument, ids: Set<string>): string {
  return JSON.stringify({ actions: doc.actions.filter((action) => ids.has(action.id)) }, null, 2);
}

export function readCopied(text: string): Action[] | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const doc = asDocument(parseJson(text));
    return doc && doc.actions.length > 0 ? doc.actions : null;
  } catch {
    return null;
  }
}
