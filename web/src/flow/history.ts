/** Past, present and future of one value. Steps with the same group merge, so a gesture or a word is one undo. */
export interface History<T> {
  past: { value: T; label: string }[];
  present: T;
  /** What the last step did, and whether the next of its group joins it. */
  label: string;
  group: string | null;
  future: { value: T; label: string }[];
}

const DEPTH = 500;

export function begin<T>(value: T): History<T> {
  return { past: [], present: value, label: "", group: null, future: [] };
}

export function record<T>(history: History<T>, value: T, label: string, group: string | null = null): History<T> {
  if (value === history.present) return history;
  if (group !== null && group === history.group && history.future.length === 0) return { ...history, present: value };
  const past = [...history.past, { value: history.present, label }].slice(-DEPTH);
  return { past, present: value, label, group, future: [] };
}

/** Ends the group: the next step stands alone. */
export function seal<T>(history: History<T>): History<T> {
  return history.group === null ? history : { ...history, group: null };
}

export function undo<T>(history: History<T>): History<T> {
  const last = history.past.at(-1);
  if (!last) return history;
  return {
    past: history.past.slice(0, -1),
    present: last.value,
    label: history.past.at(-2)?.label ?? "",
    group: null,
    future: [{ value: history.present, label: last.label }, ...history.future],
  };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (!next) return history;
  return {
    past: [...history.past, { value: history.present, label: next.label }],
    present: next.value,
    label: next.label,
    group: null,
    future,
  };
}
