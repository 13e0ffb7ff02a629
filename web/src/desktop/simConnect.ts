import { Refused, type AgentSurface, type ContactSurface, type Endpoint } from "../host/surface";
import { AGENT, snapshotOf, STATES } from "./model";
import type { SimDesktop } from "./sim";

const ENDPOINTS: Endpoint[] = [
  { endpointARN: "arn:aws:connect:local:endpoint/service", endpointId: "service", type: "queue", name: "Service", phoneNumber: null, agentLogin: null, queue: "Service" },
  { endpointARN: "arn:aws:connect:local:endpoint/desk", endpointId: "desk", type: "phone_number", name: "Front desk", phoneNumber: "+12065550160", agentLogin: null, queue: null },
  { endpointARN: "arn:aws:connect:local:endpoint/voicemail", endpointId: "voicemail", type: "phone_number", name: "Voicemail", phoneNumber: "+12065550161", agentLogin: null, queue: null },
];

export function simAgent(desktop: SimDesktop): AgentSurface {
  const { store } = desktop;
  return {
    snapshot: () => desktop.agentSnapshot(),
    configuration: () => ({ ...AGENT, softphoneEnabled: desktop.state.softphone, softphoneAutoAccept: false, agentStates: STATES.map((s) => s.name), routingProfile: "Service", permissions: ["outboundCall"], agentARN: "arn:aws:connect:local:agent/robin" }),
    state: () => desktop.state.agentState,
    states: () => STATES,
    setState: (state) => desktop.setState(state),
    setConfiguration: async (change) => store.set({ softphone: change.softphoneEnabled }),
    mute: (muted) => store.set({ muted }),
    dial: async (phone) => {
      if (!/^\+?[\d\s().-]{5,}$/.test(phone)) throw new Refused("InvalidNumber", "This is no number that can be dialled.");
      // Ringing goes on by itself; a flow must not wait for the flow that the call starts.
      void desktop.ring({ kind: "voice", phone, name: "", attributes: {}, inbound: false });
    },
    endpoints: async () => ENDPOINTS,
    createTask: async (task) => {
      const contact = await desktop.ring({ kind: "task", phone: "", name: String(task["name"] ?? ""), attributes: {} });
      return contact.id;
    },
    logs: () => desktop.state.log.slice(0, 20).map((entry) => `${new Date(entry.at).toISOString()} ${entry.happening.source} ${entry.happening.event}`),
  };
}

export function simContact(desktop: SimDesktop, id: string): ContactSurface | null {
  const contact = desktop.contact(id);
  if (!contact) return null;
  return {
    snapshot: () => snapshotOf(desktop.contact(id) ?? contact, Date.now()),
    interaction: () => ({ callInteractionDuration: Date.now() - contact.since, callIncomingDuration: 0 }),
    references: () => contact.references,
    latestMessage: () => {
      const last = (desktop.contact(id) ?? contact).messages.at(-1);
      if (!last) return null;
      return { content: last.text, participantRole: last.from === "agent" ? "AGENT" : "CUSTOMER", displayName: contact.name, contactId: id };
    },
    clear: () => desktop.clear(id),
    destroyConnection: () => desktop.end(id, "ended"),
    leaveVoicemail: async () => desktop.end(id, "ended"),
  };
}
