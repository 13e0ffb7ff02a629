import { useEffect, useRef, useState } from "react";
import type { Catalogue } from "../flow/catalogue";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Icon, type IconName } from "../ui/Icon";
import { usePick } from "../ui/store";
import { CallBar } from "./CallBar";
import { STATES, type Kind, type SimContact } from "./model";
import { RaiseDialog } from "./RaiseDialog";
import type { SimDesktop } from "./sim";

const T = text.desktop;
export const KIND_ICON: Record<Kind, IconName> = { voice: "phone", queue_callback: "callback", chat: "chat", task: "task" };

export function PhonePanel({ desktop, catalogue }: { desktop: SimDesktop; catalogue: Catalogue }) {
  const state = usePick(desktop.store, (s) => s);
  const [raising, setRaising] = useState(false);
  return (
    <aside className="phone" aria-label={T.phone}>
      <header className="agent">
        <span className={state.loggedIn ? `dot ${state.agentState.type}` : "dot"} aria-hidden="true" />
        <div className="grow">
          <strong>{String(desktop.agentSnapshot()["name"])}</strong>
          <p className="faint" role="status">
            {state.loggedIn ? T.ready : T.notReady}
          </p>
        </div>
        {state.loggedIn ? (
          <Button small onClick={() => desktop.logout()}>
            {T.logout}
          </Button>
        ) : (
          <Button small kind="primary" onClick={() => void desktop.login()}>
            {T.login}
          </Button>
        )}
      </header>
      {state.loggedIn && (
        <label className="field pad">
          <span className="label">{T.agentState}</span>
          <select
            className="input"
            value={state.agentState.name}
            onChange={(event) => {
              const next = STATES.find((s) => s.name === event.target.value);
              if (next) void desktop.setState(next);
            }}
          >
            {STATES.map((s) => (
              <option key={s.name}>{s.name}</option>
            ))}
          </select>
        </label>
      )}
      <div className="contacts">
        {state.contacts.length === 0 && <p className="faint pad">{T.noContacts}</p>}
        {state.contacts.map((contact) => (
          <ContactCard key={contact.id} contact={contact} desktop={desktop} current={state.current === contact.id} muted={state.muted} />
        ))}
      </div>
      <CallBar desktop={desktop} />
      <div className="pad">
        <Button small icon="bolt" className="wide" onClick={() => setRaising(true)}>
          {T.raiseAny}
        </Button>
      </div>
      {raising && <RaiseDialog desktop={desktop} catalogue={catalogue} onClose={() => setRaising(false)} />}
    </aside>
  );
}

function ContactCard({ contact, desktop, current, muted }: { contact: SimContact; desktop: SimDesktop; current: boolean; muted: boolean }) {
  const [typed, setTyped] = useState("");
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    void card.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const ringing = contact.phase === "connecting" || contact.phase === "incoming";
  const choose = (): void => {
    desktop.store.set({ current: contact.id });
    if (contact.kind === "chat") void desktop.raise("chatContact", "onViewContact", contact.id, { contactId: contact.id });
  };
  return (
    <article ref={card} className={`contact ${contact.phase}${current ? " current" : ""}`} aria-label={T.contactLabel(T.kinds[contact.kind], contact.name || contact.phone)}>
      <button type="button" className="who" onClick={choose} aria-pressed={current}>
        <span className={`kind ${contact.kind}`}>
          <Icon name={KIND_ICON[contact.kind]} />
        </span>
        <span className="grow">
          <strong>{contact.name || contact.phone || T.kinds[contact.kind]}</strong>
          <span className="faint">
            {contact.name && contact.phone ? `${contact.phone} · ` : ""}
            {T.phases[contact.phase]}
          </span>
        </span>
      </button>
      <div className="row">
        {ringing && (
          <>
            {contact.inbound ? (
              <Button small kind="primary" icon="check" onClick={() => void desktop.accept(contact.id)}>
                {T.accept}
              </Button>
            ) : (
              <Button small onClick={() => void desktop.accept(contact.id)}>
                {T.theyAnswer}
              </Button>
            )}
            <Button small kind="danger" icon="hangup" onClick={() => void desktop.end(contact.id, "missed")}>
              {contact.inbound ? T.reject : T.cancelCall}
            </Button>
          </>
        )}
        {contact.phase === "connected" && (
          <>
            <Button small kind="danger" icon="hangup" onClick={() => void desktop.end(contact.id, "ended")}>
              {T.end}
            </Button>
            {contact.kind !== "chat" && contact.kind !== "task" && (
              <Button small aria-pressed={muted} onClick={() => desktop.store.set({ muted: !muted })}>
                {T.mute}
              </Button>
            )}
            {contact.kind === "task" && (
              <Button
                small
                onClick={() => void desktop.raiseContact(contact.id, "onTransferInitiated").then(() => desktop.raiseContact(contact.id, "onTransferSucceeded"))}
              >
                {T.transfer}
              </Button>
            )}
          </>
        )}
        {(contact.phase === "ended" || contact.phase === "missed") && (
          <Button small onClick={() => void desktop.clear(contact.id)}>
            {T.clear}
          </Button>
        )}
      </div>
      {contact.kind === "chat" && contact.phase === "connected" && (
        <div className="chat">
          <ol>
            {contact.messages.map((message, n) => (
              <li key={n} className={message.from}>
                {message.text}
              </li>
            ))}
          </ol>
          <input
            className="input"
            aria-label={T.chatText}
            placeholder={T.chatText}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || typed.trim() === "") return;
              void desktop.message(contact.id, event.shiftKey ? "customer" : "agent", typed.trim());
              setTyped("");
            }}
          />
          <div className="row">
            <Button small disabled={typed.trim() === ""} onClick={() => { void desktop.message(contact.id, "agent", typed.trim()); setTyped(""); }}>
              {T.send}
            </Button>
            <Button small disabled={typed.trim() === ""} onClick={() => { void desktop.message(contact.id, "customer", typed.trim()); setTyped(""); }}>
              {T.asCustomer}
            </Button>
          </div>
        </div>
      )}
    </article>
  );
}
