import type { Json } from "../api/types";
import { flag, map, words, type Block, type Call } from "./blocks";
import { Refused, type AgentState, type AgentSurface, type Endpoint } from "./surface";

function agent(call: Call): AgentSurface {
  const found = call.surface.agent();
  if (!found) throw new Refused("NotReady", "The agent has not logged in to Amazon Connect.");
  return found;
}

const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;

async function setState(call: Call, wanted: (state: AgentState) => boolean, named: string): Promise<Json> {
  const state = agent(call).states().find(wanted);
  if (!state) throw new Refused("UnknownState", `The agent has no state ${named}.`);
  await agent(call).setState(state, flag(call.inputs, "enqueueNextState"));
  return {};
}

/** The quick connect of a name, as transfers and tasks need it. */
export async function quickConnect(surface: AgentSurface, name: string): Promise<Endpoint> {
  const all = await surface.endpoints();
  const found = all.find((endpoint) => endpoint.name.toLowerCase() === name.trim().toLowerCase());
  if (!found) throw new Refused("UnknownQuickConnect", `The agent has no quick connect named ${name}.`);
  return found;
}

const digits = (phone: string): string => phone.replace(/[^\d+]/g, "");

export const agentBlocks: Record<string, Block> = {
  SE_AgentDialNumber: async (call) => {
    const number = words(call.inputs, "phoneNumber").trim();
    if (number === "") throw new Refused("MissingInput", "There is no number to dial.");
    await agent(call).dial(number, words(call.inputs, "queueARN").trim() || null);
    return {};
  },
  SE_AgentMute: (call) => {
    agent(call).mute(true);
    return {};
  },
  SE_AgentUnmute: (call) => {
    agent(call).mute(false);
    return {};
  },
  SE_AgentGetStatus: (call) => plain(agent(call).state()),
  SE_AgentSetStatus: (call) => {
    const wanted = call.inputs["status"];
    const name = typeof wanted === "object" && wanted !== null && !Array.isArray(wanted) ? words(wanted, "name") : words(call.inputs, "status");
    return setState(call, (state) => state.name === name || state.agentStateARN === name, name);
  },
  SE_AgentSetStatusByName: (call) => {
    const name = words(call.inputs, "name");
    return setState(call, (state) => state.name.toLowerCase() === name.trim().toLowerCase(), name);
  },
  SE_AgentSetAvailable: (call) => setState(call, (state) => state.type === "routable", "Available"),
  SE_AgentGetQuickConnections: async (call) => ({ value: plain(await agent(call).endpoints()) }),
  SE_AgentGetTransferConnections: async (call) => ({ value: plain(await agent(call).endpoints()) }),
  SE_AgentGetEndpointByPhoneNumber: async (call) => {
    const wanted = digits(words(call.inputs, "phoneNumber"));
    const found = (await agent(call).endpoints()).find((endpoint) => endpoint.phoneNumber !== null && digits(endpoint.phoneNumber) === wanted);
    // A number that is no quick connect is an endpoint of its own, as Streams makes one.
    return plain(found ?? { endpointARN: "", endpointId: null, type: "phone_number", name: "", phoneNumber: wanted, agentLogin: null, queue: null });
  },
  SE_AgentGetAvailableStates: (call) => ({ value: plain(agent(call).states()) }),
  SE_AgentGetName: (call) => ({ name: agent(call).snapshot()["name"] ?? null }),
  SE_AgentGetExtension: (call) => ({ extension: agent(call).snapshot()["extension"] ?? null }),
  SE_AgentGetDeskphoneNumber: (call) => ({ value: agent(call).snapshot()["extension"] ?? null }),
  SE_AgentIsSoftphoneEnabled: (call) => agent(call).configuration()["softphoneEnabled"] === true,
  SE_AgentChangeToSoftphone: async (call) => {
    await agent(call).setConfiguration({ softphoneEnabled: true });
    return {};
  },
  SE_AgentChangeToDeskphone: async (call) => {
    const extension = words(call.inputs, "phoneNumber").trim();
    if (extension === "") throw new Refused("MissingInput", "A desk phone needs its number.");
    await agent(call).setConfiguration({ softphoneEnabled: false, extension });
    return {};
  },
  SE_AgentGetConfiguration: (call) => plain(agent(call).configuration()),
  SE_AgentGetDialableCountries: (call) => ({ value: agent(call).snapshot()["dialableCountries"] ?? [] }),
  SE_AgentCreateTaskContact: async (call) => {
    const { inputs } = call;
    const endpoint = await quickConnect(agent(call), words(inputs, "quickConnectName"));
    const contactId = await agent(call).createTask({
      name: words(inputs, "name"),
      description: words(inputs, "description"),
      references: map(inputs, "references"),
      previousContactId: words(inputs, "previousContactId") || call.contactId,
      scheduledTime: words(inputs, "scheduledTime"),
      endpoint: endpoint as never,
    });
    return { contactId };
  },
  SE_AgentGetCcpLogs: (call) => ({ value: agent(call).logs() }),
};
