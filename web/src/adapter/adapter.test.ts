import { describe, expect, it } from "vitest";
import type { Happening } from "../host/gate";
import { perform } from "../host/blocks";
import type { Fields, Surface } from "../host/surface";
import { watch } from "./events";
import { openCtiSurface, type OpenCti } from "./openCti";

type Fire = () => void;

/** Streams as far as the adapter uses it: the test says when something happens. */
function scripted(type = "voice", session: Promise<unknown> = Promise.reject(new Error("no media"))) {
  session.catch(() => undefined);
  const contactEvents: Record<string, Fire> = {};
  const agentEvents: Record<string, (change: { oldState: string; newState: string }) => void> = {};
  const on = (name: string) => (fire: Fire) => void (contactEvents[name] = fire);
  const dialled: unknown[] = [];
  let gone = false;
  const states = [
    { name: "Available", type: "routable", agentStateARN: "arn:1", startTimestamp: new Date(5000) },
    { name: "Lunch", type: "not_routable", agentStateARN: "arn:2" },
  ];
  let state = states[0];
  const contact = {
    getContactId: () => {
      if (gone) throw new Error("destroyed");
      return "c1";
    },
    getType: () => type,
    getOriginalContactId: () => "c0",
    getInitialContactId: () => "c0",
    getActiveInitialConnection: () => ({ getEndpoint: () => ({ phoneNumber: "+12065550142" }) }),
    getQueue: () => ({ name: "Service", queueARN: "arn:q", queueId: "q" }),
    getQueueTimestamp: () => new Date(1000),
    getStatus: () => ({ type: "connecting" }),
    getStatusDuration: () => 12,
    getState: () => ({ type: "connecting", timestamp: new Date(2000) }),
    getAttributes: () => ({ tier: { name: "tier", value: "gold" } }),
    isSoftphoneCall: () => true,
    isInbound: () => true,
    isConnected: () => type === "chat",
    getAgentConnection: () => ({ getMediaController: () => session }),
    getReferences: () => ({}),
    ...Object.fromEntries(["onIncoming", "onPending", "onConnecting", "onAccepted", "onConnected", "onRefresh", "onMissed", "onEnded", "onDestroy"].map((name) => [name, on(name)])),
  };
  const agent = {
    getName: () => "Robin Sample",
    getExtension: () => "1042",
    getDialableCountries: () => ["us"],
    getState: () => state,
    getAgentStates: () => states,
    getConfiguration: () => ({ username: "robin", softphoneEnabled: true }),
    setState: (next: (typeof states)[number], options: { success: Fire }) => {
      state = next;
      options.success();
    },
    connect: (endpoint: unknown, options: { failure: (error: string) => void; queueARN?: string }) => {
      dialled.push([endpoint, options.queueARN]);
      options.failure("Invalid outbound configuration");
    },
    ...Object.fromEntries(["onRefresh", "onRoutable", "onNotRoutable", "onOffline", "onError", "onAfterCallWork", "onStateChange"].map((name) => [name, (fire: never) => (agentEvents[name] = fire)])),
  };
  let onContact: ((c: unknown) => void) | null = null;
  let onAgent: ((a: unknown) => void) | null = null;
  let views: ((event: { contactId: string }) => void) | null = null;
  const streams = { contact: (fire: never) => (onContact = fire), agent: (fire: never) => (onAgent = fire), core: { onViewContact: (fire: never) => (views = fire) } };
  return {
    streams: streams as unknown as typeof connect,
    contactEvents,
    agentEvents,
    dialled,
    rings: () => onContact?.(contact),
    logsIn: () => onAgent?.(agent),
    views: (contactId: string) => views?.({ contactId }),
    destroys: () => (gone = true),
  };
}

function opened(type?: string, session?: Promise<unknown>) {
  const script = scripted(type, session);
  const taken: Happening[] = [];
  let ready = 0;
  const watching = watch(script.streams, { take: (happening) => taken.push(happening), ready: () => (ready += 1) });
  const surface = { agent: watching.agent, contact: watching.contact } as unknown as Surface;
  return { ...script, taken, watching, surface, ready: () => ready };
}

describe("events of Streams", () => {
  it("carry the contact's data and an id that every tab agrees on", () => {
    const [one, two] = [opened(), opened()];
    for (const tab of [one, two]) {
      tab.rings();
      tab.contactEvents["onConnecting"]?.();
    }
    expect(one.taken[0]).toMatchObject({ source: "voiceContact", event: "onConnecting", id: "c1:onConnecting:2000", contact: { phone: "+12065550142", attributes: { tier: "gold" }, isInbound: true, isTransfer: true } });
    expect(two.taken[0]?.id).toBe(one.taken[0]?.id);
  });

  it("say when the agent is there", () => {
    const tab = opened();
    expect(tab.watching.agent()).toBeNull();
    tab.logsIn();
    expect(tab.ready()).toBe(1);
    expect(tab.taken.map((h) => `${h.source} ${h.event}`)).toEqual(["initialization onInit", "connectAgent onInit"]);
    tab.agentEvents["onStateChange"]?.({ oldState: "Available", newState: "Lunch" });
    expect(tab.taken.at(-1)).toMatchObject({ event: "onStateChange", payload: { oldState: "Available", newState: "Lunch" }, agent: { name: "Robin Sample" } });
  });

  it("keep what was read of a contact that is destroyed", () => {
    const tab = opened();
    tab.rings();
    tab.contactEvents["onConnecting"]?.();
    tab.destroys();
    tab.contactEvents["onDestroy"]?.();
    expect(tab.taken.at(-1)).toMatchObject({ event: "onDestroy", contact: { phone: "+12065550142" } });
  });

  it("hear a chat's messages and its being viewed, each once", async () => {
    const said: ((event: object) => void)[] = [];
    const tab = opened("chat", Promise.resolve({ onMessage: (listener: (event: object) => void) => said.push(listener) }));
    tab.rings();
    tab.contactEvents["onConnected"]?.();
    await Promise.resolve();
    await Promise.resolve();
    expect(said).toHaveLength(1);
    said[0]?.({ data: { Id: "m1", Content: "hello", ParticipantRole: "CUSTOMER", DisplayName: "Ann", ContactId: "c1" } });
    expect(tab.taken.at(-1)).toMatchObject({ source: "chatContact", event: "onMessageReceived", id: "c1:onMessageReceived:m1", payload: { content: "hello", displayName: "Ann", contactId: "c1" } });
    said[0]?.({ data: { Id: "m2", Content: "good day", ParticipantRole: "AGENT" } });
    expect(tab.taken.at(-1)).toMatchObject({ event: "onMessageSent", payload: { content: "good day" } });
    tab.views("c1");
    expect(tab.taken.at(-1)).toMatchObject({ source: "chatContact", event: "onViewContact", payload: { contactId: "c1" } });
    const before = tab.taken.length;
    tab.views("");
    expect(tab.taken).toHaveLength(before);
  });

  it("hear what becomes of a task, and nothing where no session is to be had", async () => {
    const listeners: Record<string, () => void> = {};
    const session = Object.fromEntries(["onTransferInitiated", "onTaskExpired"].map((name) => [name, (listener: () => void) => (listeners[name] = listener)]));
    const task = opened("task", Promise.resolve(session));
    task.rings();
    task.contactEvents["onConnected"]?.();
    await Promise.resolve();
    await Promise.resolve();
    listeners["onTaskExpired"]?.();
    expect(task.taken.at(-1)).toMatchObject({ source: "taskContact", event: "onTaskExpired", contact: { contactId: "c1" } });
    const bare = opened("chat");
    bare.rings();
    bare.contactEvents["onConnected"]?.();
    await Promise.resolve();
    expect(bare.taken.map((h) => h.event)).toEqual(["onConnected"]);
  });

  it("run blocks on the agent, and give the reason Streams gives", async () => {
    const tab = opened();
    tab.logsIn();
    const set = await perform("SE_AgentSetStatusByName", { inputs: { name: "lunch" }, surface: tab.surface, contactId: null });
    expect(set.kind).toBe("success");
    expect(await perform("SE_AgentGetStatus", { inputs: {}, surface: tab.surface, contactId: null })).toMatchObject({ results: { name: "Lunch", agentStateARN: "arn:2" } });
    const unknown = await perform("SE_AgentSetStatusByName", { inputs: { name: "Sleep" }, surface: tab.surface, contactId: null });
    expect(unknown).toMatchObject({ kind: "failure", exception: { name: "UnknownState" } });
  });

  it("dial through Streams with the queue that was given", async () => {
    const tab = opened();
    tab.logsIn();
    const world = globalThis as unknown as { connect?: unknown };
    world.connect = { Endpoint: { byPhoneNumber: (phone: string) => ({ phone }) } };
    const outcome = await perform("SE_AgentDialNumber", { inputs: { phoneNumber: "+12065550100", queueARN: "arn:q" }, surface: tab.surface, contactId: null });
    delete world.connect;
    expect(tab.dialled).toEqual([[{ phone: "+12065550100" }, "arn:q"]]);
    expect(outcome).toEqual({ kind: "failure", exception: { name: "DialFailed", message: "Invalid outbound configuration" } });
  });
});

describe("Open CTI", () => {
  function cti() {
    const calls: [string, Fields][] = [];
    const answer = (name: string, returnValue: unknown) => (options: Fields & { callback: (r: object) => void }) => {
      const { callback, ...rest } = options;
      calls.push([name, rest as Fields]);
      callback(returnValue instanceof Error ? { success: false, errors: [{ code: "BAD", description: returnValue.message }] } : { success: true, returnValue });
    };
    const fake = {
      SCREENPOP_TYPE: { SOBJECT: "sobject", URL: "url", OBJECTHOME: "home", LIST: "list", SEARCH: "search", NEW_RECORD_MODAL: "new", FLOW: "flow" },
      CALL_TYPE: { INBOUND: "inbound", OUTBOUND: "outbound", INTERNAL: "internal" },
      screenPop: answer("screenPop", null),
      searchAndScreenPop: answer("search", { "003A": { Id: "003A", Name: "Ada" } }),
      refreshView: answer("refreshView", new Error("no view")),
    };
    return { calls, surface: { salesforce: openCtiSurface(fake as unknown as OpenCti) } as unknown as Surface };
  }

  it("searches and pops with what the flow gave", async () => {
    const { calls, surface } = cti();
    const outcome = await perform("SE_SFSearchAndScreenpop", { inputs: { searchParams: "+12065550142", callType: "inbound", defaultFieldValues: { Phone: "1" } }, surface, contactId: null });
    expect(outcome).toMatchObject({ kind: "success", results: { count: 1, id: "003A" } });
    expect(calls[0]).toEqual(["search", { searchParams: "+12065550142", queryParams: "", defaultFieldValues: { Phone: "1" }, callType: "inbound", deferred: false }]);
    await perform("SE_SFScreenpopObject", { inputs: { recordId: "003A" }, surface, contactId: null });
    expect(calls[1]).toEqual(["screenPop", { type: "sobject", params: { recordId: "003A" } }]);
  });

  it("hands Salesforce's own words on", async () => {
    const { surface } = cti();
    expect(await perform("SE_SFRefreshView", { inputs: {}, surface, contactId: null })).toEqual({ kind: "failure", exception: { name: "BAD", message: "no view" } });
  });
});
