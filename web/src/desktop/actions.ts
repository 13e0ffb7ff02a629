import type { Json } from "../api/types";

export interface FormField {
  /** Read by the flow as `$.payload.<name>`. */
  name: string;
  label: string;
  type: "text" | "select";
  options: string[];
  order: number;
  required: boolean;
}

/** What an agent may start by hand: a flow, fixed values, and perhaps a form. */
export interface CtiAction {
  id: string;
  name: string;
  flowId: string;
  order: number;
  instructions: string;
  payload: { key: string; value: string }[];
  fields: FormField[];
}

const KEY = "tieline.actions";

export function readActions(): CtiAction[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]") as unknown;
    return Array.isArray(kept) ? (kept as CtiAction[]).filter((action) => typeof action?.id === "string") : [];
  } catch {
    return [];
  }
}

export function writeActions(actions: CtiAction[]): void {
  localStorage.setItem(KEY, JSON.stringify(actions));
}

export function byOrder<T extends { order: number }>(items: T[]): T[] {
  return [...items].sort((a, b) => a.order - b.order);
}

/** A form without fields or words is no form: the action runs at once. */
export function needsForm(action: CtiAction): boolean {
  return action.fields.length > 0 || action.instructions.trim() !== "";
}

/** A name as flows read it: camelCase, letters and digits. */
export function camelCase(text: string): string {
  const words = text.trim().split(/[^A-Za-z0-9]+/).filter(Boolean);
  const joined = words.map((word, n) => (n === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1)).join("");
  return /^\d/.test(joined) ? `f${joined}` : joined;
}

export function payloadOf(action: CtiAction, given: Record<string, string>): Record<string, Json> {
  const fixed = action.payload.filter((pair) => pair.key.trim() !== "").map((pair): [string, Json] => [pair.key, pair.value]);
  return { ...Object.fromEntries(fixed), ...given };
}

export function missingFields(action: CtiAction, given: Record<string, string>): string[] {
  return action.fields.filter((field) => field.required && (given[field.name] ?? "").trim() === "").map((field) => field.name);
}
