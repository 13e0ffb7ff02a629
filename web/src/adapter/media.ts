/// <reference types="amazon-connect-streams" />
import type { Fields } from "../host/surface";

// What a chat or a task tells beyond its contact. Streams hands out the session where ChatJS or TaskJS is on the page.

type Listen<T> = (listener: (event: T) => void) => void;

interface ChatSession {
  onMessage?: Listen<{ data: ChatMessage }>;
}

/** A message as ChatJS gives it. */
interface ChatMessage {
  Id?: string;
  Content?: string;
  ContactId?: string;
  InitialContactId?: string;
  DisplayName?: string;
  ParticipantRole?: string;
  ParticipantId?: string;
}

const TASK_EVENTS = ["onTransferInitiated", "onTransferSucceeded", "onTransferFailed", "onTaskExpiring", "onTaskExpired"] as const;
type TaskSession = Partial<Record<(typeof TASK_EVENTS)[number], Listen<unknown>>>;

export interface MediaSink {
  message(message: Fields): void;
  task(event: string): void;
}

/** Listens to the contact's session once. Without ChatJS or TaskJS there is none, and nothing more is heard. */
export async function followMedia(contact: connect.Contact, sink: MediaSink): Promise<void> {
  const type = String(contact.getType());
  if (type !== "chat" && type !== "task") return;
  let session: unknown;
  try {
    session = await (contact.getAgentConnection() as connect.ChatConnection | connect.TaskConnection).getMediaController();
  } catch {
    return;
  }
  if (typeof session !== "object" || session === null) return;
  if (type === "chat") (session as ChatSession).onMessage?.(({ data }) => sink.message(messageFields(data)));
  else for (const event of TASK_EVENTS) (session as TaskSession)[event]?.(() => sink.task(event));
}

function messageFields(data: ChatMessage): Fields {
  return {
    id: data.Id ?? "",
    content: data.Content ?? "",
    contactId: data.ContactId ?? "",
    initialContactId: data.InitialContactId ?? "",
    displayName: data.DisplayName ?? "",
    participantRole: data.ParticipantRole ?? "",
    participantId: data.ParticipantId ?? "",
  };
}
