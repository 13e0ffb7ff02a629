import { useCallback, useEffect, useRef, useState } from "react";
import { asProblem, type Problem } from "../api/problem";

export type Loaded<T> =
  | { state: "loading"; value: T | null; problem: null }
  | { state: "ready"; value: T; problem: null }
  | { state: "failed"; value: T | null; problem: Problem };

/** Loads on mount and whenever `key` changes; an answer that comes late for an older key is dropped. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> & { again: () => void } {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading", value: null, problem: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const shownKey = useRef(key);
  useEffect(() => {
    const abort = new AbortController();
    const sameKey = shownKey.current === key;
    shownKey.current = key;
    setLoaded((old) => ({ state: "loading", value: sameKey ? old.value : null, problem: null }));
    latest.current(abort.signal).then(
      (value) => {
        if (!abort.signal.aborted) setLoaded({ state: "ready", value, problem: null });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setLoaded((old) => ({ state: "failed", value: old.value, problem: asProblem(error) }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  return { ...loaded, again };
}
