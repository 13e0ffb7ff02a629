import type { BlockSpec, FlowEvent, Json, Outcome } from "../api/types";
import type { Catalogue } from "../flow/catalogue";

/** The catalogue's own sample of an event, with another caller. */
export function sampleEvent(catalogue: Catalogue, source: string, name: string, phone?: string): FlowEvent {
  const sample = catalogue.source(source)?.events.find((event) => event.name === name)?.sample ?? {};
  const contact = sample.contact ?? null;
  return {
    source,
    name,
    payload: sample.payload ?? {},
    contact: contact && phone !== undefined ? withNumber(contact, phone) : contact,
    agent: sample.agent ?? null,
  };
}

/** Every spelling of the number that a flow may read. */
export function withNumber(contact: Record<string, Json>, phone: string): Record<string, Json> {
  const country = countryOf(phone);
  const national = phone.replace(/^\+(1|44|49)/, "");
  return {
    ...contact,
    phone,
    rawPhoneNumber: phone,
    formattedNumber: phone,
    formattedPhoneNumber: phone,
    formattedNumberE164: phone,
    country,
    parsedNumber: { country, number: phone, nationalNumber: national, phone: national },
  };
}

/** A guess for made-up callers only; the engine itself reads numbers properly. */
export function countryOf(phone: string): string {
  return phone.startsWith("+44") ? "GB" : phone.startsWith("+49") ? "DE" : "US";
}

/** What an outside call might answer, when nothing is pinned. */
export function sampleOutcome(block: BlockSpec | undefined, inputs: Record<string, Json>, event: FlowEvent): Outcome {
  if (block?.shape === "diamond") return { kind: "branch", value: true };
  const contact = event.contact ?? {};
  const results = Object.fromEntries(
    (block?.results ?? []).map((result): [string, Json] => {
      const known = contact[result.name] ?? (event.agent ?? {})[result.name];
      if (block?.type === "SE_ContactGetAttributeValue") return [result.name, attribute(contact, inputs)];
      if (known !== undefined) return [result.name, known];
      if (result.name === "count") return [result.name, 1];
      if (/id$/i.test(result.name)) return [result.name, "003000000000001AAA"];
      if (result.type === "list" || result.type === "array") return [result.name, []];
      if (result.type === "object" || result.name === "record") return [result.name, { Id: "003000000000001AAA" }];
      if (result.type === "boolean") return [result.name, true];
      return [result.name, `sample ${result.name}`];
    }),
  );
  return { kind: "success", results };
}

function attribute(contact: Record<string, Json>, inputs: Record<string, Json>): Json {
  const all = contact["attributes"];
  const key = String(inputs["attributeName"] ?? "");
  const found = typeof all === "object" && all !== null && !Array.isArray(all) ? all[key] : undefined;
  return found ?? inputs["defaultValue"] ?? "";
}
