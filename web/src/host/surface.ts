import type { Json } from "../api/types";

// What blocks need of the world. The simulated desktop is one, Amazon Connect Streams with Salesforce Open CTI the other;
// the blocks themselves are the same code over both.

export type Fields = Record<string, Json>;

/** Refused or failed by the thing outside; its name and message reach the flow as `exception`. */
export class Refused extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export type Pop =
  | { kind: "record"; id: string }
  | { kind: "url"; url: string }
  | { kind: "home"; scope: string }
  | { kind: "list"; id: string; scope: string }
  | { kind: "search"; text: string }
  | { kind: "new"; entity: string; defaults: Fields };

export interface SearchRequest {
  text: string;
  query: string;
  defaults: Fields;
  /** Search and return, open nothing. */
  deferred: boolean;
  callType: string;
}

export interface SearchFound {
  /** Records by id, each with its object and name. */
  records: Record<string, Fields>;
  screenPopData?: Json;
}

export interface Presence {
  statusId: string;
  statusApiName: string;
  statusName: string;
}

export interface SalesforceSurface {
  pop(target: Pop): Promise<void>;
  search(request: SearchRequest): Promise<SearchFound>;
  clickToDial(enabled: boolean): Promise<void>;
  appView(): Promise<Fields>;
  softphoneLayout(): Promise<Json>;
  refreshView(): Promise<void>;
  panel(change: { visible?: boolean; height?: number; width?: number }): Promise<void>;
  openTab(tab: { url: string; active: boolean; label: string; parent: string | null }): Promise<string>;
  closeTab(id: string): Promise<void>;
  /** Open tabs in their order; the focused ones are marked. */
  tabs(): Promise<{ id: string; parent: string | null; url: string; recordId: string | null; focused: boolean }[]>;
  presence(): Promise<Presence>;
  setPresence(statusId: string): Promise<Fields>;
  presenceLogin(statusId: string | null): Promise<void>;
  workload(): Promise<{ currentWorkload: number; configuredCapacity: number }>;
  completeHvsWork(work: { workId: string; disposition: string; taskId: string }): Promise<void>;
}

export interface AgentState {
  name: string;
  type: string;
  agentStateARN: string | null;
  startTimestamp?: string;
}

export interface Endpoint {
  endpointARN: string;
  endpointId: string | null;
  type: string;
  name: string;
  phoneNumber: string | null;
  agentLogin: string | null;
  queue: string | null;
}

export interface AgentSurface {
  /** What `$.agent` reads. */
  snapshot(): Fields;
  configuration(): Fields;
  state(): AgentState;
  states(): AgentState[];
  setState(state: AgentState, enqueueNext: boolean): Promise<void>;
  setConfiguration(change: { softphoneEnabled: boolean; extension?: string }): Promise<void>;
  mute(on: boolean): void;
  dial(phoneNumber: string, queueArn: string | null): Promise<void>;
  endpoints(): Promise<Endpoint[]>;
  createTask(task: Fields & { endpoint: Endpoint }): Promise<string>;
  logs(): Json;
}

export interface ContactSurface {
  /** What `$.contact` reads, and Get Contact Properties returns. */
  snapshot(): Fields;
  interaction(): Fields;
  references(): Record<string, { type: string; value: string }>;
  latestMessage(): Fields | null;
  clear(): Promise<void>;
  destroyConnection(): Promise<void>;
  leaveVoicemail(drop: string, quickConnect: Endpoint): Promise<void>;
}

export interface PageSurface {
  /** True when the agent agreed. Texts are texts, never markup. */
  modal(title: string, message: string): Promise<boolean>;
  alert(message: string): Promise<void>;
  overlay(data: Fields): void;
  showAttributes(): void;
}

export interface Surface {
  salesforce: SalesforceSurface;
  /** Null before the agent has logged in. */
  agent(): AgentSurface | null;
  /** The very contact of the run, also after it ended as long as it is remembered. */
  contact(id: string): ContactSurface | null;
  page: PageSurface;
}
