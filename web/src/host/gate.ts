import type { Json, Run } from "../api/types";
import { follow, type Engine } from "./runner";
import type { Fields, Surface } from "./surface";

/** One thing that happened. The id is the same in every tab that sees it. */
export interface Happening {
  id: string;
  source: string;
  event: string;
  contact: Fields | null;
  agent: Fields | null;
  payload: Record<string, Json>;
}

export type LogState = "queued" | "sent" | "ran" | "none" | "elsewhere" | "dropped" | "failed";

export interface LogEntry {
  at: number;
  happening: Happening;
  state: LogState;
  runs: Run[];
  /** Why no flow ran, in words. */
  reason: string;
}

export interface Raiser extends Engine {
  raise(body: Happening): Promise<{ runs: Run[]; reason: string | null }>;
}

interface Options {
  engine: Raiser;
  surface: Surface;
  onLog: (entries: LogEntry[]) => void;
  now?: () => number;
  locks?: LockManager | undefined;
  /** Whether this tab has the focus: it goes first, others only if it does not. */
  focused?: () => boolean;
}

/** Events that came this long before the desktop was ready are too old to run. */
export const EARLY_MS = 30_000;
const TURN_MS = 150;
const KEPT = 200;

/** Between events and flows: holds early events until the agent is there, and lets one tab run each. */
export class Gate {
  #ready = false;
  readonly #early: LogEntry[] = [];
  #log: LogEntry[] = [];
  readonly #seen = new Set<string>();
  readonly #now: () => number;

  constructor(private readonly options: Options) {
    this.#now = options.now ?? Date.now;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The agent is there: what waited runs now, in its order; what is too old is said to be. */
  async open(): Promise<void> {
    this.#ready = true;
    for (const entry of this.#early.splice(0)) {
      if (this.#now() - entry.at > EARLY_MS) this.#note(entry, { state: "dropped", reason: "It came more than 30 s before the desktop was ready." });
      else await this.#send(entry);
    }
  }

  close(): void {
    this.#ready = false;
  }

  /** Takes an event; a repeat of one seen is dropped without a word. */
  async take(happening: Happening): Promise<LogEntry | null> {
    if (this.#seen.has(happening.id)) return null;
    this.#seen.add(happening.id);
    const entry: LogEntry = { at: this.#now(), happening, state: "queued", runs: [], reason: "" };
    this.#log = [entry, ...this.#log].slice(0, KEPT);
    this.options.onLog(this.#log);
    if (!this.#ready) {
      this.#early.push(entry);
      return entry;
    }
    await this.#send(entry);
    return entry;
  }

  async #send(entry: LogEntry): Promise<void> {
    const { locks, focused } = this.options;
    if (!locks) return this.#run(entry);
    if (focused && !focused()) await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    await locks.request(`tieline.event.${entry.happening.id}`, { ifAvailable: true }, async (lock) => {
      if (lock === null) this.#note(entry, { state: "elsewhere", reason: "Another tab of this browser runs it." });
      else await this.#run(entry);
    });
  }

  async #run(entry: LogEntry): Promise<void> {
    const { engine, surface } = this.options;
    this.#note(entry, { state: "sent" });
    try {
      const { runs, reason } = await engine.raise(entry.happening);
      this.#note(entry, { runs, reason: reason ?? "", state: runs.length > 0 ? "ran" : "none" });
      const contactId = typeof entry.happening.contact?.["contactId"] === "string" ? entry.happening.contact["contactId"] : null;
      await Promise.all(runs.map((run) => follow(run, { engine, surface, contactId, onStep: (step) => this.#step(entry, step) })));
    } catch (error) {
      this.#note(entry, { state: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #step(entry: LogEntry, run: Run): void {
    this.#note(entry, { runs: entry.runs.map((old) => (old.id === run.id ? run : old)) });
  }

  #note(entry: LogEntry, change: Partial<LogEntry>): void {
    Object.assign(entry, change);
    this.#log = [...this.#log];
    this.options.onLog(this.#log);
  }
}
