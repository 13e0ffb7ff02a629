// Whether the server answers. The client reports; the frame and the editor listen.

export type Connection = "online" | "offline" | "token";

let state: Connection = "online";
const listeners = new Set<() => void>();
let probe: ReturnType<typeof setTimeout> | null = null;

export function report(next: Connection): void {
  if (next === "offline") watch(1000);
  if (next === state) return;
  state = next;
  listeners.forEach((listener) => listener());
}

export function connection(): Connection {
  return state;
}

export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** While offline, ask the health page until it answers, ever more slowly. */
function watch(delay: number): void {
  if (probe !== null) return;
  probe = setTimeout(() => {
    fetch("/healthz", { cache: "no-store" })
      .then((r) => r.ok)
      .catch(() => false)
      .then((ok) => {
        probe = null;
        if (ok) report("online");
        else if (state === "offline") watch(Math.min(delay * 1.5, 10_000));
      });
  }, delay);
}
