import { useEffect, useRef } from "react";
import type { Problem } from "../api/problem";
import { useLoad } from "../ui/useLoad";

export interface Polled<T> {
  /** The last answer; it stays while newer ones fail to come. */
  value: T | null;
  /** Why the last attempt failed; gone with the next answer. */
  problem: Problem | null;
  again: () => void;
}

/** Loads again `every` so many milliseconds after each answer, while the page is looked at. */
export function usePoll<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every = 2_000): Polled<T> {
  const loaded = useLoad(key, load);
  const { state, again } = loaded;
  const problem = useRef<Problem | null>(null);
  if (loaded.state !== "loading") problem.current = loaded.problem;
  useEffect(() => {
    if (state === "loading") return;
    let due = false;
    const look = (): void => {
      if (due && !document.hidden) again();
    };
    const timer = setTimeout(() => {
      due = true;
      look();
    }, every);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [state, again, every]);
  return { value: loaded.value, problem: problem.current, again };
}
