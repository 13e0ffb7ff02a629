import type { Json } from "../api/types";
import type { AgentState, Fields } from "../host/surface";

export type Kind = "voice" | "queue_callback" | "chat" | "task";
export type Phase = "incoming" | "connecting" | "connected" | "ended" | "missed";

export interface SimContact {
  id: string;
  kind: Kind;
  inbound: boolean;
  phone: string;
  name: string;
  attributes: Record<string, string>;
  phase: Phase;
  since: number;
  messages: { from: "customer" | "agent"; text: string }[];
  references: Record<string, { type: string; value: string }>;
}

export type TabContent =
  | { kind: "record"; recordId: string }
  | { kind: "search"; text: string }
  | { kind: "new"; entity: string; defaults: Fields }
  | { kind: "list"; listId: string; scope: string }
  | { kind: "home"; scope: string }
  | { kind: "url"; url: string };

export interface ConsoleTab {
  id: string;
  parent: string | null;
  title: string;
  url: string;
  content: TabContent;
}

export const SOURCE_OF: Record<Kind, string> = {
  voice: "voiceContact",
  queue_callback: "queueCallbackContact",
  chat: "chatContact",
  task: "taskContact",
};

export const STATES: AgentState[] = [
  { name: "Available", type: "routable", agentStateARN: "arn:aws:connect:local:available" },
  { name: "Break", type: "not_routable", agentStateARN: "arn:aws:connect:local:break" },
  { name: "Lunch", type: "not_routable", agentStateARN: "arn:aws:connect:local:lunch" },
  { name: "Offline", type: "offline", agentStateARN: "arn:aws:connect:local:offline" },
];

export const AGENT: Fields = { name: "Robin Sample", username: "robin", extension: "+12065550190", dialableCountries: ["us", "de", "gb"] };

/** A guess for made-up callers; the engine reads numbers properly. */
function countryOf(phone: string): string {
  return phone.startsWith("+44") ? "GB" : phone.startsWith("+49") ? "DE" : "US";
}

/** The contact as flows read it: `$.contact` and Get Contact Properties. */
export function snapshotOf(contact: SimContact, now: number): Fields {
  const { phone } = contact;
  const country = countryOf(phone);
  const national = phone.replace(/^\+(1|44|49)/, "");
  const spoken = contact.kind === "voice" || contact.kind === "queue_callback";
  const number: Record<string, Json> = spoken
    ? {
        phone,
        rawPhoneNumber: phone,
        formattedNumber: phone,
        formattedPhoneNumber: phone,
        formattedNumberE164: phone,
        country,
        parsedNumber: { country, number: phone, nationalNumber: national, phone: national },
      }
    : {};
  return {
    contactId: contact.id,
    originalContactId: contact.id,
    type: contact.kind,
    channel: contact.kind === "queue_callback" ? "voice" : contact.kind,
    status: contact.phase,
    statusDuration: now - contact.since,
    queue: { name: "Service", queueARN: "arn:aws:connect:local:queue/service" },
    queueName: "Service",
    queueTimestamp: contact.since,
    attributes: { ...contact.attributes },
    isSoftphoneCall: spoken,
    isInbound: contact.inbound,
    isConnected: contact.phase === "connected",
    isTransfer: false,
    isMonitor: false,
    contactMissed: contact.phase === "missed",
    contactStartDate: new Date(contact.since).toISOString().slice(0, 10),
    contactStartDateTime: new Date(contact.since).toISOString(),
    callType: contact.inbound ? "inbound" : "outbound",
    customerName: contact.name,
    ...number,
  };
}
