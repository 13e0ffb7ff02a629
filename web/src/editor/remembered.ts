/** Short lists kept in this browser: favourite and recent blocks, saved searches. */
type List = "favourites" | "recent" | "searches";

const key = (list: List): string => `tieline.explorer.${list}`;

function read(list: List): string[] {
  try {
    const kept = JSON.parse(localStorage.getItem(key(list)) ?? "[]") as unknown;
    return Array.isArray(kept) ? kept.filter((item): item is string => typeof item === "string") : [];
  } catch {
    return [];
  }
}

function write(list: List, items: string[]): string[] {
  try {
    localStorage.setItem(key(list), JSON.stringify(items));
  } catch {
    // Remembered for this page only.
  }
  return items;
}

export const remembered = {
  read,
  push: (list: List, item: string, most: number): string[] => write(list, [item, ...read(list).filter((x) => x !== item)].slice(0, most)),
  toggle: (list: List, item: string): string[] => {
    const old = read(list);
    return write(list, old.includes(item) ? old.filter((x) => x !== item) : [...old, item]);
  },
  clear: (list: List): string[] => write(list, []),
};
