/// <reference types="amazon-connect-streams" />
import type { Json } from "../api/types";
import { Refused, type AgentState, type AgentSurface, type ContactSurface, type Endpoint, type Fields } from "../host/surface";

// Amazon Connect Streams as the blocks see it. Its typings are the contract; its callbacks become promises.

const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;

/** Success and failure callbacks as a promise; what Streams says of the failure is kept. */
export function settled(name: string, work: (options: { success: () => void; failure: (error?: unknown) => void }) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    work({ success: () => resolve(), failure: (error) => reject(refusal(name, error)) });
  });
}

function refusal(name: string, error: unknown): Refused {
  if (error instanceof Error) return new Refused(name, error.message);
  return new Refused(name, typeof error === "string" ? error : (JSON.stringify(error) ?? "Amazon Connect refused."));
}

export function agentSurface(agent: connect.Agent): AgentSurface {
  const endpoints = (): Promise<Endpoint[]> =>
    new Promise((resolve, reject) => {
      agent.getEndpoints(agent.getAllQueueARNs(), {
        success: ({ endpoints: found }) => resolve(found.map(endpointOf)),
        failure: (error?: unknown) => reject(refusal("EndpointsFailed", error)),
      });
    });
  const native = async (endpoint: Endpoint): Promise<connect.Endpoint> =>
    new Promise((resolve, reject) => {
      agent.getEndpoints(agent.getAllQueueARNs(), {
        success: ({ endpoints: found }) => {
          const same = found.find((e) => e.endpointARN === endpoint.endpointARN);
          if (same) resolve(same);
          else reject(new Refused("UnknownQuickConnect", "The quick connect is no longer there."));
        },
        failure: (error?: unknown) => reject(refusal("EndpointsFailed", error)),
      });
    });
  return {
    snapshot: () => ({ name: agent.getName(), extension: agent.getExtension(), dialableCountries: plain(agent.getDialableCountries()), state: agent.getState().name }),
    configuration: () => plain(agent.getConfiguration()) as Fields,
    state: () => stateOf(agent.getState()),
    states: () => agent.getAgentStates().map(stateOf),
    setState: (state, enqueueNextState) => {
      const found = agent.getAgentStates().find((s) => s.name === state.name);
      if (!found) return Promise.reject(new Refused("UnknownState", `The agent has no state ${state.name}.`));
      return settled("SetStateFailed", (options) => agent.setState(found, options, { enqueueNextState }));
    },
    setConfiguration: (change) =>
      settled("ConfigurationFailed", (options) =>
        agent.setConfiguration({ ...agent.getConfiguration(), softphoneEnabled: change.softphoneEnabled, ...(change.extension === undefined ? {} : { extension: change.extension }) }, options),
      ),
    mute: (on) => (on ? agent.mute() : agent.unmute()),
    dial: (phone, queueARN) =>
      settled("DialFailed", (options) => agent.connect(connect.Endpoint.byPhoneNumber(phone), { ...options, ...(queueARN === null ? {} : { queueARN }) })),
    endpoints,
    createTask: async ({ endpoint, ...task }) => {
      const to = await native(endpoint);
      return new Promise((resolve, reject) => {
        const scheduled = Date.parse(String(task["scheduledTime"] ?? ""));
        agent.createTask(
          {
            name: String(task["name"] ?? ""),
            description: String(task["description"] ?? ""),
            endpoint: to,
            references: referencesOf(task["references"]),
            ...(task["previousContactId"] ? { previousContactId: String(task["previousContactId"]) } : {}),
            ...(Number.isFinite(scheduled) ? { scheduledTime: Math.floor(scheduled / 1000) } : {}),
          } as connect.TaskContactDefinition,
          {
            success: ((data?: { contactId?: string }) => resolve(data?.contactId ?? "")) as () => void,
            failure: (error?: unknown) => reject(refusal("CreateTaskFailed", error)),
          },
        );
      });
    },
    logs: () => plain((connect.getLog() as unknown as { _logs?: { text?: string }[] })._logs?.map((entry) => entry.text ?? "") ?? []),
  };
}

function referencesOf(value: Json | undefined): connect.ReferenceDictionary {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).map(([name, item]) => [name, { type: "URL", value: String(item) }]);
  return Object.fromEntries(entries) as connect.ReferenceDictionary;
}

function endpointOf(endpoint: connect.Endpoint): Endpoint {
  const known = endpoint as connect.Endpoint & { agentLogin?: string; queue?: string };
  return {
    endpointARN: endpoint.endpointARN,
    endpointId: endpoint.endpointId ?? null,
    type: String(endpoint.type),
    name: endpoint.name ?? "",
    phoneNumber: endpoint.phoneNumber ?? null,
    agentLogin: known.agentLogin ?? null,
    queue: typeof known.queue === "string" ? known.queue : null,
  };
}

function stateOf(state: { name: string; type: unknown; agentStateARN?: string | null; startTimestamp?: Date }): AgentState {
  return {
    name: state.name,
    type: String(state.type),
    agentStateARN: state.agentStateARN ?? null,
    ...(state.startTimestamp ? { startTimestamp: state.startTimestamp.toISOString() } : {}),
  };
}

/** Reads a contact once more each time; after it is gone the last reading stands. */
export class ContactReader {
  #last: Fields = {};
  #message: Fields | null = null;
  readonly #since = Date.now();

  constructor(private readonly contact: connect.Contact) {
    this.read();
  }

  read(): Fields {
    try {
      this.#last = snapshot(this.contact);
    } catch {
      // The contact was destroyed; what was read before stays.
    }
    return this.#last;
  }

  message(message: Fields): void {
    this.#message = message;
  }

  surface(): ContactSurface {
    const { contact } = this;
    return {
      snapshot: () => this.read(),
      interaction: () => ({ callInteractionDuration: Date.now() - this.#since, callIncomingDuration: Number(this.#last["statusDuration"] ?? 0) }),
      references: () => contact.getReferences() as Record<string, { type: string; value: string }>,
      latestMessage: () => this.#message,
      clear: () => settled("ClearFailed", (options) => contact.clear(options)),
      destroyConnection: () => settled("DestroyFailed", (options) => contact.getAgentConnection().destroy(options)),
      leaveVoicemail: () => Promise.reject(new Refused("NotAvailable", "Leaving a voicemail needs a transfer that this adapter does not make.")),
    };
  }
}

function snapshot(contact: connect.Contact): Fields {
  const connection = contact.getActiveInitialConnection();
  const phone = connection?.getEndpoint()?.phoneNumber ?? "";
  const queue = contact.getQueue();
  const type = String(contact.getType());
  const inbound = contact.isInbound();
  return {
    contactId: contact.getContactId(),
    originalContactId: contact.getOriginalContactId() ?? contact.getContactId(),
    type,
    channel: type === "queue_callback" ? "voice" : type,
    status: String(contact.getStatus().type),
    statusDuration: contact.getStatusDuration(),
    queue: plain(queue),
    queueName: queue?.name ?? null,
    queueTimestamp: plain(contact.getQueueTimestamp()),
    attributes: Object.fromEntries(Object.values(contact.getAttributes()).flatMap((attribute) => (attribute ? [[attribute.name, attribute.value]] : []))),
    isSoftphoneCall: contact.isSoftphoneCall(),
    isInbound: inbound,
    isConnected: contact.isConnected(),
    isTransfer: contact.getInitialContactId() !== contact.getContactId() && contact.getInitialContactId() !== null,
    callType: inbound ? "inbound" : "outbound",
    phone,
    rawPhoneNumber: phone,
    formattedNumber: phone,
    formattedPhoneNumber: phone,
    formattedNumberE164: phone,
  };
}
