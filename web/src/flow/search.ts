import type { Action, FlowDocument, Note } from "../api/types";
import type { Catalogue } from "./catalogue";
import { titleOf } from "./document";
import { asResultReference, expressionsIn } from "./expression";

export interface Hit {
  id: string;
  /** Where the text was found: title, id, type, an argument's name, or a note. */
  where: string;
  excerpt: string;
}

/** Titles, ids, types, argument values and notes; `uses:uid-3` asks who reads a result, `sets:key` who sets a property. */
export function searchFlow(doc: FlowDocument, catalogue: Catalogue, query: string, notes: Note[] = []): Hit[] {
  const text = query.trim().toLowerCase();
  if (text === "") return [];
  if (text.startsWith("uses:")) return users(doc, query.trim().slice(5).trim());
  if (text.startsWith("sets:")) return setters(doc, text.slice(5).trim());
  const said = notes.filter((note) => note.text.toLowerCase().includes(text));
  return [...doc.actions.flatMap((action) => hit(action, catalogue, text) ?? []), ...said.map((note) => ({ id: note.id, where: "note", excerpt: note.text }))];
}

function hit(action: Action, catalogue: Catalogue, text: string): Hit | null {
  const title = titleOf(catalogue, action);
  if (title.toLowerCase().includes(text)) return { id: action.id, where: "title", excerpt: title };
  if (action.id.toLowerCase().includes(text)) return { id: action.id, where: "id", excerpt: action.id };
  if (action.type.toLowerCase().includes(text)) return { id: action.id, where: "type", excerpt: action.type };
  for (const [name, value] of Object.entries(action.controls ?? {})) {
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    if (`${name} ${shown}`.toLowerCase().includes(text)) return { id: action.id, where: name, excerpt: shown };
  }
  return null;
}

export function users(doc: FlowDocument, id: string): Hit[] {
  return doc.actions.flatMap((action) =>
    Object.entries(action.controls ?? {}).flatMap(([name, value]) => {
      const found = expressionsIn(value).find((text) => asResultReference(text)?.id.toLowerCase() === id.toLowerCase());
      return found === undefined ? [] : [{ id: action.id, where: name, excerpt: found }];
    }),
  );
}

function setters(doc: FlowDocument, key: string): Hit[] {
  return doc.actions.flatMap((action) => {
    const name = action.controls?.["key"];
    if (action.type !== "SE_SetProperty" || typeof name !== "string") return [];
    return name.toLowerCase().includes(key) ? [{ id: action.id, where: "key", excerpt: name }] : [];
  });
}
