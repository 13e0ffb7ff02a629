import { api } from "../api/client";
import type { FlowDocument } from "../api/types";

export const MAX_FILE = 1024 * 1024;

export function saveFile(name: string, content: string, type = "application/json"): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A name that every file system takes. */
export function fileName(flowName: string): string {
  return `${flowName.trim().replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^-+|-+$/g, "") || "flow"}.json`;
}

/** The server writes the file, as one rule decides its form; without a line the browser's own writing does. */
export async function download(doc: FlowDocument, name: string, style: "exact" | "pretty"): Promise<void> {
  let content: string;
  try {
    content = await api.format(doc, style);
  } catch {
    content = JSON.stringify(doc, null, style === "pretty" ? 2 : 0);
  }
  saveFile(fileName(name), content);
}
