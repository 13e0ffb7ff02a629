import type { FlowDocument, Json } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { titleOf } from "../flow/document";
import { resultExpression, upstream } from "../flow/expression";

export interface Choice {
  value: string;
  label: string;
  sample: string;
}

export interface ChoiceGroup {
  title: string;
  choices: Choice[];
}

const CONTACT = [
  "contactId", "originalContactId", "type", "channel", "queue", "phone", "country", "formattedNumber", "formattedNumberE164",
  "parsedNumber.number", "parsedNumber.nationalNumber", "attributes", "isInbound", "isTransfer", "status", "callType",
];
const AGENT = ["name", "extension", "dialableCountries"];

/** What a field may read: results of every block upstream, nearest first, then the roots the source gives. */
export function choicesFor(doc: FlowDocument, catalogue: Catalogue, at: string, source: string, event: string, samples: Readonly<Record<string, Json>>): ChoiceGroup[] {
  const groups: ChoiceGroup[] = [];
  for (const action of upstream(doc, at)) {
    const results = catalogue.block(action.type)?.results ?? [];
    if (results.length === 0) continue;
    groups.push({
      title: `${titleOf(catalogue, action)} (${action.id})`,
      choices: results.map((result) => ({
        value: resultExpression(action.id, result.name),
        label: result.name,
        sample: sampleOf(samples[action.id], result.name),
      })),
    });
  }
  const spec = catalogue.source(source);
  const has = (root: string): boolean => spec?.context.some((c) => c.root === root) ?? false;
  const payload = spec?.events.find((e) => e.name === event)?.payload.map((field) => field.name) ?? [];
  const roots: [string, string[]][] = [
    ["payload", payload],
    ["contact", has("contact") ? CONTACT : []],
    ["agent", has("agent") ? AGENT : []],
  ];
  for (const [root, fields] of roots) {
    if (fields.length > 0) groups.push({ title: `$.${root}`, choices: fields.map((field) => ({ value: `$.${root}.${field}`, label: field, sample: "" })) });
  }
  return groups;
}

export function sampleOf(results: Json | undefined, field: string): string {
  if (typeof results !== "object" || results === null || Array.isArray(results)) return "";
  return showSample(results[field]);
}

export function showSample(value: unknown): string {
  if (value === undefined) return "";
  const shown = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return shown.length > 60 ? `${shown.slice(0, 59)}…` : shown;
}
