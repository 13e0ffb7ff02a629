import { useEffect, useRef } from "react";
import { useLive } from "../api/live";
import type { Problem } from "../api/problem";
import { useLoad } from "../ui/useLoad";

export interface Polled<T> {
  /** The last answer; it stays while newer ones fail to come. */
  value: T | null;
  /** Why the last attempt failed; gone with the next answer. */
  problem: Problem | null;
  again: () => void;
}

/** While the stream says what changes, a page is loaded now and then all the same: attempts and waits change without it. */
const UNASKED = 10_000;

/**
 * Loads again when the live stream tells of a change, and now and then; without a stream `every` so
 * many milliseconds after each answer, and so too where a page does not `follow` the stream. Never
 * while nobody looks.
 */
export function usePoll<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every = 2_000, follow = true): Polled<T> {
  const loaded = useLoad(key, load);
  const live = useLive();
  const open = follow && live.open;
  const beat = live.beat;
  const { state, again } = loaded;
  const problem = useRef<Problem | null>(null);
  const seen = useRef(beat);
  if (loaded.state !== "loading") problem.current = loaded.problem;
  useEffect(() => {
    if (state === "loading") return;
    let due = open && seen.current !== beat;
    const look = (): void => {
      if (!due || document.hidden) return;
      seen.current = beat;
      again();
    };
    const timer = setTimeout(
      () => {
        due = true;
        look();
      },
      open ? UNASKED : every,
    );
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [state, again, every, open, beat]);
  return { value: loaded.value, problem: problem.current, again };
}
