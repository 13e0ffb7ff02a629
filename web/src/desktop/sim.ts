import { api } from "../api/client";
import type { Json } from "../api/types";
import { Gate, type Happening, type LogEntry } from "../host/gate";
import { Refused, type AgentState, type Fields, type Presence, type Surface } from "../host/surface";
import { Store } from "../ui/store";
import { AGENT, snapshotOf, SOURCE_OF, STATES, type ConsoleTab, type Kind, type Phase, type SimContact } from "./model";
import { simAgent, simContact } from "./simConnect";
import { simSalesforce } from "./simSalesforce";

export interface Question {
  title: string;
  message: string;
  answer: ((agreed: boolean) => void) | null;
}

export interface DesktopState {
  loggedIn: boolean;
  agentState: AgentState;
  softphone: boolean;
  muted: boolean;
  presence: Presence;
  contacts: SimContact[];
  current: string | null;
  tabs: ConsoleTab[];
  activeTab: string;
  recordVersion: number;
  panelVisible: boolean;
  panelWidth: number;
  drawer: "attributes" | "actions" | "data" | null;
  overlay: Fields;
  log: LogEntry[];
  clickToDial: boolean;
  question: Question | null;
}

export const HOME_TAB = "home";

/** A desktop without Amazon Connect and Salesforce: calls are pressed, records come from the server's org. */
export class SimDesktop {
  readonly store = new Store<DesktopState>({
    loggedIn: false,
    agentState: STATES[3] as AgentState,
    softphone: true,
    muted: false,
    presence: { statusId: "offline", statusApiName: "Offline", statusName: "Offline" },
    contacts: [],
    current: null,
    tabs: [],
    activeTab: HOME_TAB,
    recordVersion: 0,
    panelVisible: true,
    panelWidth: 300,
    drawer: null,
    overlay: {},
    log: [],
    clickToDial: true,
    question: null,
  });
  readonly surface: Surface;
  readonly gate: Gate;

  constructor() {
    this.surface = {
      salesforce: simSalesforce(this),
      agent: () => (this.state.loggedIn ? simAgent(this) : null),
      contact: (id) => simContact(this, id),
      page: {
        modal: (title, message) => new Promise((answer) => this.store.set({ question: { title, message, answer } })),
        alert: (message) => new Promise((done) => this.store.set({ question: { title: "", message, answer: () => done() } })),
        overlay: (data) => this.store.set({ overlay: { ...this.state.overlay, ...data }, drawer: "data" }),
        showAttributes: () => this.store.set({ drawer: "attributes" }),
      },
    };
    this.gate = new Gate({
      engine: { raise: (body) => api.raise(body), completeRun: api.completeRun, cancelRun: api.cancelRun, run: api.run },
      surface: this.surface,
      onLog: (log) => this.store.set({ log }),
      locks: typeof navigator === "undefined" ? undefined : navigator.locks,
      focused: () => document.hasFocus(),
    });
  }

  get state(): DesktopState {
    return this.store.get();
  }

  // ── the agent ──

  async login(): Promise<void> {
    this.store.set({ loggedIn: true, agentState: STATES[0] as AgentState });
    await this.gate.open();
    await this.raise("initialization", "onInit", null, {});
    await this.raise("connectAgent", "onInit", null, {});
    await this.raise("connectAgent", "onRoutable", null, {});
  }

  logout(): void {
    this.gate.close();
    this.store.set({ loggedIn: false, agentState: STATES[3] as AgentState });
  }

  async setState(state: AgentState): Promise<void> {
    const old = this.state.agentState;
    if (old.name === state.name) return;
    this.store.set({ agentState: state });
    await this.raise("connectAgent", "onStateChange", null, { oldState: old.name, newState: state.name });
    const follow = { routable: "onRoutable", not_routable: "onNotRoutable", offline: "onOffline" }[state.type];
    if (follow) await this.raise("connectAgent", follow, null, {});
  }

  // ── contacts ──

  /** Something comes in (or goes out) and rings. */
  async ring(input: { kind: Kind; phone: string; name: string; attributes: Record<string, string>; inbound?: boolean }): Promise<SimContact> {
    const contact: SimContact = {
      id: crypto.randomUUID(),
      kind: input.kind,
      inbound: input.inbound ?? true,
      phone: input.phone,
      name: input.name,
      attributes: input.attributes,
      phase: input.kind === "queue_callback" ? "incoming" : "connecting",
      since: Date.now(),
      messages: [],
      references: {},
    };
    this.store.set({ contacts: [...this.state.contacts, contact], current: contact.id });
    await this.raiseContact(contact.id, input.kind === "queue_callback" ? "onIncoming" : "onConnecting");
    return contact;
  }

  async accept(id: string): Promise<void> {
    const contact = this.contact(id);
    if (!contact) return;
    const wasIncoming = contact.phase === "incoming";
    await this.raiseContact(id, "onAccepted");
    if (wasIncoming) {
      this.patch(id, { phase: "connecting" });
      await this.raiseContact(id, "onConnecting");
    }
    this.patch(id, { phase: "connected" });
    await this.raiseContact(id, "onConnected");
  }

  async end(id: string, phase: Extract<Phase, "ended" | "missed">): Promise<void> {
    this.patch(id, { phase });
    await this.raiseContact(id, phase === "missed" ? "onMissed" : "onEnded");
    if (phase === "ended") await this.raise("connectAgent", "onAfterCallWork", id, {});
  }

  /** The contact's data is read for onDestroy before it goes. */
  async clear(id: string): Promise<void> {
    const gone = this.raiseContact(id, "onDestroy");
    await gone;
    const contacts = this.state.contacts.filter((contact) => contact.id !== id);
    this.store.set({ contacts, current: this.state.current === id ? (contacts.at(-1)?.id ?? null) : this.state.current });
  }

  async message(id: string, from: "customer" | "agent", text: string): Promise<void> {
    const contact = this.contact(id);
    if (!contact) return;
    this.patch(id, { messages: [...contact.messages, { from, text }] });
    await this.raise(SOURCE_OF[contact.kind], from === "customer" ? "onMessageReceived" : "onMessageSent", id, {
      contactId: id,
      initialContactId: id,
      displayName: from === "customer" ? contact.name : (AGENT["name"] ?? null),
      participantRole: from === "customer" ? "CUSTOMER" : "AGENT",
      participantId: from,
      content: text,
    });
  }

  contact(id: string): SimContact | undefined {
    return this.state.contacts.find((contact) => contact.id === id);
  }

  patch(id: string, change: Partial<SimContact>): void {
    this.store.set({ contacts: this.state.contacts.map((contact) => (contact.id === id ? { ...contact, ...change } : contact)) });
  }

  // ── events ──

  raiseContact(id: string, event: string): Promise<LogEntry | null> {
    const contact = this.contact(id);
    return contact ? this.raise(SOURCE_OF[contact.kind], event, id, {}) : Promise.resolve(null);
  }

  raise(source: string, event: string, contactId: string | null, payload: Record<string, Json>): Promise<LogEntry | null> {
    const contact = contactId === null ? undefined : this.contact(contactId);
    return this.take({ source, event, contact: contact ? snapshotOf(contact, Date.now()) : null, agent: this.agentSnapshot(), payload });
  }

  take(happening: Omit<Happening, "id">): Promise<LogEntry | null> {
    return this.gate.take({ ...happening, id: `${happening.event}-${crypto.randomUUID()}` });
  }

  agentSnapshot(): Fields {
    return { ...AGENT, state: this.state.agentState.name };
  }

  // ── the console's tabs ──

  /** Opens a tab, or goes to the one already open for the same address. */
  openTab(tab: Omit<ConsoleTab, "id">, active = true): string {
    const open = this.state.tabs.find((t) => t.url === tab.url && t.parent === tab.parent);
    const id = open?.id ?? `tab-${crypto.randomUUID().slice(0, 8)}`;
    this.store.set({ tabs: open ? this.state.tabs : [...this.state.tabs, { ...tab, id }], ...(active ? { activeTab: id } : {}) });
    return id;
  }

  closeTab(id: string): void {
    if (!this.state.tabs.some((tab) => tab.id === id)) throw new Refused("UnknownTab", "There is no such tab.");
    const at = this.state.tabs.findIndex((tab) => tab.id === id);
    const tabs = this.state.tabs.filter((tab) => tab.id !== id && tab.parent !== id);
    const next = tabs[Math.min(at, tabs.length - 1)]?.id ?? HOME_TAB;
    this.store.set({ tabs, activeTab: tabs.some((tab) => tab.id === this.state.activeTab) ? this.state.activeTab : next });
  }
}
