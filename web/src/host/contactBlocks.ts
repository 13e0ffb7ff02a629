import type { Json } from "../api/types";
import { quickConnect } from "./agentBlocks";
import { words, type Block, type Call } from "./blocks";
import { safeUrl } from "./salesforceBlocks";
import { Refused, type ContactSurface, type Fields } from "./surface";

function contact(call: Call): ContactSurface {
  const found = call.contactId === null ? null : call.surface.contact(call.contactId);
  if (!found) throw new Refused("ContactGone", "The contact of this run is no longer there.");
  return found;
}

const kind = (call: Call): string => String(contact(call).snapshot()["type"] ?? "").toLowerCase();

/** Streams keeps `{name, value}`, snapshots keep texts; flows read texts. */
export function attributeText(attributes: Json | undefined, name: string): Json | undefined {
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) return undefined;
  const found = attributes[name];
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found["value"];
  return found;
}

const pick = (fields: Fields, ...names: string[]): Fields => Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));

export const contactBlocks: Record<string, Block> = {
  SE_ContactGetAttributeValue: (call) => {
    const found = attributeText(contact(call).snapshot()["attributes"], words(call.inputs, "attributeName"));
    // The default stands in for a missing attribute only, not for an empty one.
    return { value: found ?? call.inputs["defaultValue"] ?? "" };
  },
  SE_ContactIsVoice: (call) => kind(call) === "voice",
  SE_ContactIsChat: (call) => kind(call) === "chat",
  SE_ContactIsTask: (call) => kind(call) === "task",
  SE_ContactIsCallback: (call) => kind(call) === "queue_callback",
  SE_ContactIsInbound: (call) => contact(call).snapshot()["isInbound"] === true,
  SE_ContactIsTransfer: (call) => contact(call).snapshot()["isTransfer"] === true,
  SE_ContactProperties: (call) => contact(call).snapshot(),
  SE_ContactCustomerPhoneNumber: (call) => pick(contact(call).snapshot(), "phone", "country"),
  SE_ContactInteractionMetadata: (call) => contact(call).interaction(),
  SE_ContactPopTaskReferenceUrls: async (call) => {
    const urls = Object.values(contact(call).references()).filter((reference) => reference.type.toUpperCase() === "URL");
    for (const reference of urls) await call.surface.salesforce.pop({ kind: "url", url: safeUrl(reference.value) });
    return { count: urls.length };
  },
  SE_ContactGetChatMessage: (call) => {
    const message = contact(call).latestMessage();
    if (!message) throw new Refused("NoMessage", "No chat message came in this contact.");
    return pick(message, "content", "participantRole", "displayName", "contactId");
  },
  SE_ContactLeaveVoicemail: async (call) => {
    const agent = call.surface.agent();
    if (!agent) throw new Refused("NotReady", "The agent has not logged in to Amazon Connect.");
    const to = await quickConnect(agent, words(call.inputs, "quickConnectName"));
    await contact(call).leaveVoicemail(words(call.inputs, "voicemailDropName"), to);
    return {};
  },
  SE_ContactDestroyAgentConnection: async (call) => {
    await contact(call).destroyConnection();
    return {};
  },
  SE_ContactClear: async (call) => {
    await contact(call).clear();
    return {};
  },
};
