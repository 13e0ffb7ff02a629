import type { BlockSpec, FlowEvent, Json, Outcome } from "../api/types";
import type { Catalogue } from "../flow/catalogue";

/** An event as it might come, for a test run; every number lies in a range kept for fiction. */
export function sampleEvent(catalogue: Catalogue, source: string, name: string, phone = "+12065550142"): FlowEvent {
  const spec = catalogue.source(source);
  const has = (root: string): boolean => spec?.context.some((c) => c.replace("?", "") === root) ?? false;
  const payload = Object.fromEntries((spec?.events.find((e) => e.name === name)?.payload ?? []).map((key) => [key, samplePayload(key, phone)]));
  return { source, name, payload, contact: has("contact") ? sampleContact(source, phone) : null, agent: sampleAgent() };
}

function samplePayload(key: string, phone: string): Json {
  if (/number|phone/i.test(key)) return phone;
  if (/recordId|id$/i.test(key)) return "003000000000001AAA";
  if (/state/i.test(key)) return { name: "Available", type: "routable" };
  if (/object/i.test(key)) return "Contact";
  return `sample ${key}`;
}

export function sampleAgent(): Record<string, Json> {
  return { name: "Robin Sample", username: "robin", extension: "1042", dialableCountries: ["us", "de", "gb"] };
}

const TYPES: Record<string, string> = { queueCallbackContact: "queue_callback", chatContact: "chat", taskContact: "task" };

export function sampleContact(source: string, phone: string): Record<string, Json> {
  const type = TYPES[source] ?? "voice";
  return {
    contactId: "8d3f0c52-5b1e-4c0a-9a67-2f1c3f6d7e10",
    originalContactId: "8d3f0c52-5b1e-4c0a-9a67-2f1c3f6d7e10",
    type,
    channel: type === "queue_callback" ? "voice" : type,
    status: "connecting",
    queue: "Service",
    queueName: "Service",
    isInbound: true,
    isTransfer: false,
    isConnected: false,
    callType: "inbound",
    phone,
    rawPhoneNumber: phone,
    formattedNumber: phone,
    formattedPhoneNumber: phone,
    formattedNumberE164: phone,
    country: countryOf(phone),
    parsedNumber: { number: phone, phone, country: countryOf(phone), nationalNumber: phone.replace(/^\+(1|44|49)/, "") },
    attributes: {},
  };
}

/** Only the ranges of fiction the samples use are known here; the engine itself reads numbers properly. */
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
      if (block?.proposedType === "SE_ContactGetAttributeValue") return [result.name, attribute(contact, inputs)];
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
