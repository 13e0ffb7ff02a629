import { useRef } from "react";
import type { Page } from "../api/console";
import { usePoll, type Polled } from "./usePoll";

export interface Paged<T> extends Polled<Page<T>> {
  /** Shows one page more; from then on so many are kept up to date. Null where no more are held. */
  more: (() => void) | null;
  /** Shows as many as are held. */
  all: () => void;
}

/** The most pages a view holds: beyond it a filter finds what a list cannot. */
const MOST = 20;
/** A list of more pages than this is loaded anew at its own pace, and not with every change. */
const LIVE = 2;

/** A list that is paged, from its beginning to as far as was asked. */
export function usePages<T>(key: string, load: (after: string | null, signal: AbortSignal) => Promise<Page<T>>): Paged<T> {
  const pages = useRef({ key, count: 1 });
  if (pages.current.key !== key) pages.current = { key, count: 1 };
  const { count } = pages.current;
  const polled = usePoll(
    key,
    async (signal) => {
      const rows: T[] = [];
      let next: string | null = null;
      for (let page = 0; page < pages.current.count; page += 1) {
        const answer: Page<T> = await load(next, signal);
        rows.push(...answer.rows);
        next = answer.next;
        if (next === null) break;
      }
      return { rows, next };
    },
    count > LIVE ? 30_000 : 5_000,
    count <= LIVE,
  );
  const show = (wanted: number): void => {
    pages.current.count = Math.min(wanted, MOST);
    polled.again();
  };
  return { ...polled, more: count < MOST ? () => show(count + 1) : null, all: () => show(MOST) };
}
