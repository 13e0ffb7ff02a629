/// <reference types="amazon-connect-streams" />
import type { Json } from "../api/types";
import type { Happening } from "../host/gate";
import type { AgentSurface, ContactSurface, Fields } from "../host/surface";
import { followMedia } from "./media";
import { agentSurface, ContactReader } from "./streams";

const SOURCES: Record<string, string> = {
  voice: "voiceContact",
  queue_callback: "queueCallbackContact",
  chat: "chatContact",
  task: "taskContact",
};

type Subscribe = (contact: connect.Contact, fire: () => void) => void;

/** Events of a contact and how Streams tells of them. */
const CONTACT_EVENTS: Record<string, Subscribe> = {
  onIncoming: (contact, fire) => contact.onIncoming(fire),
  onPending: (contact, fire) => contact.onPending(fire),
  onConnecting: (contact, fire) => contact.onConnecting(fire),
  onAccepted: (contact, fire) => contact.onAccepted(fire),
  onConnected: (contact, fire) => contact.onConnected(fire),
  onRefresh: (contact, fire) => contact.onRefresh(fire),
  onMissed: (contact, fire) => contact.onMissed(fire),
  onEnded: (contact, fire) => contact.onEnded(fire),
  onDestroy: (contact, fire) => contact.onDestroy(fire),
};

/** How long a destroyed contact is remembered for flows still running. */
const REMEMBERED_MS = 120_000;

export interface Watching {
  agent(): AgentSurface | null;
  contact(id: string): ContactSurface | null;
  /** For a page that holds the chat session itself; else messages are heard by themselves. */
  chatMessage(contactId: string, message: Fields): void;
}

interface Sink {
  take(happening: Happening): unknown;
  /** The agent is there: early events may run. */
  ready(): unknown;
}

/** Subscribes to agent and contacts. The id of an event names contact, event and the state's begin, so that every tab and a reload agree on it. */
export function watch(streams: typeof connect, sink: Sink): Watching {
  let agent: connect.Agent | null = null;
  const readers = new Map<string, ContactReader>();
  const heard = new Set<string>();
  const agentFields = (): Fields | null => (agent ? agentSurface(agent).snapshot() : null);

  const raise = (source: string, event: string, key: string, contact: Fields | null, payload: Record<string, Json>): void => {
    void sink.take({ id: key, source, event, contact, agent: agentFields(), payload });
  };

  const chatMessage = (contactId: string, message: Fields): void => {
    const reader = readers.get(contactId);
    if (!reader) return;
    reader.message(message);
    const event = message["participantRole"] === "AGENT" ? "onMessageSent" : "onMessageReceived";
    raise("chatContact", event, `${contactId}:${event}:${String(message["id"] || message["content"])}`, reader.read(), message);
  };
  const listen = (contact: connect.Contact): void => {
    const id = contact.getContactId();
    if (heard.has(id)) return;
    heard.add(id);
    void followMedia(contact, {
      message: (message) => chatMessage(id, message),
      task: (event) => raise("taskContact", event, `${id}:${event}:${second()}`, readers.get(id)?.read() ?? null, {}),
    });
  };

  streams.contact((contact) => {
    const id = contact.getContactId();
    const source = SOURCES[String(contact.getType())];
    if (source === undefined) return;
    const reader = new ContactReader(contact);
    readers.set(id, reader);
    for (const [event, subscribe] of Object.entries(CONTACT_EVENTS)) {
      subscribe(contact, () => {
        const fields = reader.read();
        raise(source, event, `${id}:${event}:${stamp(contact, event)}`, fields, {});
        if (event === "onConnected") listen(contact);
        if (event === "onDestroy") setTimeout(() => [readers, heard].forEach((kept) => kept.delete(id)), REMEMBERED_MS);
      });
    }
    // A page that was reloaded during the contact is not told of its beginning.
    if (contact.isConnected()) listen(contact);
  });
  streams.core.onViewContact(({ contactId }) => {
    const fields = readers.get(contactId)?.read();
    if (fields?.["type"] !== "chat" || fields["isConnected"] !== true) return;
    raise("chatContact", "onViewContact", `${contactId}:onViewContact:${second()}`, fields, { contactId });
  });
  streams.agent((found) => {
    agent = found;
    void sink.ready();
    const login = found.getState().startTimestamp?.getTime() ?? 0;
    const name = found.getConfiguration().username;
    raise("initialization", "onInit", `${name}:init:${login}`, null, {});
    raise("connectAgent", "onInit", `${name}:agentInit:${login}`, null, {});
    const simple: Record<string, (fire: () => void) => void> = {
      onRefresh: (fire) => found.onRefresh(fire),
      onRoutable: (fire) => found.onRoutable(fire),
      onNotRoutable: (fire) => found.onNotRoutable(fire),
      onOffline: (fire) => found.onOffline(fire),
      onError: (fire) => found.onError(fire),
      onAfterCallWork: (fire) => found.onAfterCallWork(fire),
    };
    for (const [event, subscribe] of Object.entries(simple)) {
      subscribe(() => raise("connectAgent", event, `${name}:${event}:${agentStamp(found, event)}`, null, {}));
    }
    found.onStateChange((change) =>
      raise("connectAgent", "onStateChange", `${name}:${change.oldState}:${change.newState}:${agentStamp(found, "")}`, null, { oldState: change.oldState, newState: change.newState }),
    );
  });
  return {
    agent: () => (agent ? agentSurface(agent) : null),
    contact: (id) => readers.get(id)?.surface() ?? null,
    chatMessage,
  };
}

/** What has no moment of its own is told apart by the second it came in. */
function second(): number {
  return Math.floor(Date.now() / 1000);
}

/** When the contact's state began. */
function stamp(contact: connect.Contact, event: string): number {
  if (event === "onRefresh") return second();
  try {
    return contact.getState().timestamp?.getTime() ?? 0;
  } catch {
    return 0;
  }
}

function agentStamp(agent: connect.Agent, event: string): number {
  if (event === "onRefresh") return second();
  return agent.getState().startTimestamp?.getTime() ?? 0;
}
