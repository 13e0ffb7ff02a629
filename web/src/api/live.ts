import { useSyncExternalStore } from "react";
import type { Overview } from "./console";
import { report } from "./connection";
import { token } from "./token";

// One stream of overviews for all pages that are open in this tab. Read by `fetch`, so that the token
// travels in a header and never in an address. Where no stream is to be had, pages poll.

export interface Live {
  /** Whether the stream is open. */
  open: boolean;
  /** Whether it was tried already. */
  tried: boolean;
  /** Rises with every overview that came: something has changed. */
  beat: number;
  /** The last overview. */
  overview: Overview | null;
}

/** A stream that says nothing for so long is cut: the server sends a sign of life every 15 s. */
const SILENCE = 40_000;
const AGAIN = [1_000, 2_000, 5_000, 10_000];

let state: Live = { open: false, tried: false, beat: 0, overview: null };
const listeners = new Set<() => void>();
let stop: AbortController | null = null;

function set(next: Partial<Live>): void {
  state = { ...state, ...next };
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (stop === null) {
    stop = new AbortController();
    void keep(stop.signal);
  }
  return () => {
    listeners.delete(listener);
    // A change of pages leaves and comes back at once; only a tab without such pages closes the stream.
    setTimeout(() => {
      if (listeners.size > 0) return;
      stop?.abort();
      stop = null;
      state = { ...state, open: false };
    }, 1_000);
  };
}

export function useLive(): Live {
  return useSyncExternalStore(subscribe, () => state);
}

async function keep(ended: AbortSignal): Promise<void> {
  for (let tries = 0; !ended.aborted; tries += 1) {
    try {
      if (!(await follow(ended, () => (tries = 0)))) {
        set({ tried: true });
        return;
      }
    } catch {
      // The line is cut; polling notices what that means.
    }
    if (ended.aborted) return;
    set({ open: false, tried: true });
    await new Promise((next) => setTimeout(next, AGAIN[Math.min(tries, AGAIN.length - 1)]));
  }
}

/** Reads one stream to its end; false where the server keeps none. */
async function follow(ended: AbortSignal, opened: () => void): Promise<boolean> {
  const cut = new AbortController();
  const leave = (): void => cut.abort();
  ended.addEventListener("abort", leave);
  let watch = setTimeout(leave, SILENCE);
  try {
    const secret = token();
    const headers: Record<string, string> = secret ? { Authorization: `Bearer ${secret}` } : {};
    const response = await fetch("/api/events", { headers, signal: cut.signal, cache: "no-store" });
    if (response.status === 401) report("token");
    if (!response.ok || !response.body) return response.status >= 500;
    report("online");
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader((data) => set({ open: true, tried: true, beat: state.beat + 1, overview: JSON.parse(data) as Overview }));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      clearTimeout(watch);
      watch = setTimeout(leave, SILENCE);
      events.take(value);
    }
  } finally {
    clearTimeout(watch);
    ended.removeEventListener("abort", leave);
  }
}

/** Cuts a text of server-sent events into their data; holds no more than the event it is in. */
export class EventReader {
  #rest = "";
  #tell: (data: string) => void;

  constructor(tell: (data: string) => void) {
    this.#tell = tell;
  }

  take(text: string): void {
    const events = (this.#rest + text).split("\n\n");
    this.#rest = events.pop() ?? "";
    for (const event of events) {
      const data = event
        .split("\n")
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).replace(/^ /, ""));
      if (data.length > 0) this.#tell(data.join("\n"));
    }
  }
}
