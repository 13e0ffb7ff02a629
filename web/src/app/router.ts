import { useSyncExternalStore } from "react";

// Addresses live behind the hash: every view can be sent, and the server needs no rule for them.

export interface Place {
  /** The path's parts, decoded: `#/flows/42` is `["flows", "42"]`. */
  parts: string[];
  query: URLSearchParams;
}

let cached: { hash: string; place: Place } | null = null;

export function place(): Place {
  const hash = location.hash;
  if (cached?.hash !== hash) cached = { hash, place: parsePlace(hash) };
  return cached.place;
}

export function parsePlace(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { parts: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function href(parts: string[], query?: Record<string, string>): string {
  const tail = query && Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : "";
  return `#/${parts.map(encodeURIComponent).join("/")}${tail}`;
}

/** Asked before leaving; false keeps the view. */
type Guard = () => boolean;
let guard: Guard | null = null;

export function guardLeaving(next: Guard): () => void {
  guard = next;
  return () => {
    if (guard === next) guard = null;
  };
}

export function go(parts: string[], query?: Record<string, string>): void {
  if (guard && !guard()) return;
  location.hash = href(parts, query);
}

/** Changes the query of this place without a new step in the history. */
export function setQuery(query: Record<string, string>): void {
  const next = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  history.replaceState(null, "", href(place().parts, next));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, place);
}
