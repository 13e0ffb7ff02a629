import { useRef, useSyncExternalStore } from "react";

/** A value with listeners: the smallest store that lets a part of the page watch a part of the state. */
export class Store<S extends object> {
  #state: S;
  readonly #listeners = new Set<() => void>();

  constructor(initial: S) {
    this.#state = initial;
  }

  get = (): S => this.#state;

  set(patch: Partial<S>): void {
    this.#state = { ...this.#state, ...patch };
    this.#listeners.forEach((listener) => listener());
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** Renders again only when the picked value changes (by identity). */
export function usePick<S extends object, T>(store: Store<S>, pick: (state: S) => T): T {
  const last = useRef<{ state: S; pick: (state: S) => T; value: T } | null>(null);
  const snapshot = (): T => {
    const state = store.get();
    const seen = last.current;
    if (seen && seen.state === state && seen.pick === pick) return seen.value;
    const value = pick(state);
    last.current = { state, pick, value };
    return value;
  };
  return useSyncExternalStore(store.subscribe, snapshot);
}
