import type { FlowDocument } from "../api/types";
import type { Catalogue } from "./catalogue";
import { GRID, linesOf, START, type Point } from "./document";
import { isBad, SIZE, sizeOf } from "./geometry";

// A person lays a flow out like a page: the good way runs in a straight row from Start to End, what leaves a block below
// goes on in a row beneath it, and a plain way too long for one line goes on in the next.

/** Between columns there is room for the lines that turn, between rows also for a block's id. */
const GAP = { column: 70, row: 76, band: 60 };
/** A stage is about this much wider than high; a flow of so few columns is never broken into lines. */
const SHAPE = 1.4;
const FEW = 6;

/** Half a block: where a row's middle must stand over the grid for its blocks to stand on it. */
const HALF = SIZE.rect.height / 2;

type Successors = Map<string, string[]>;

export function arrange(doc: FlowDocument, catalogue: Catalogue): Map<string, Point> {
  const ids = [...doc.actions].sort((a, b) => Number(b.type === START) - Number(a.type === START)).map((action) => action.id);
  const next = forwardLines(doc, ids);
  const columns = columnsOf(ids, next);
  const rows = rowsOf(ids, next, columns);
  const sizes = new Map(doc.actions.map((action) => [action.id, sizeOf(catalogue, action)]));
  const cells = fold(ids.map((id) => ({ id, column: columns.get(id) ?? 0, row: rows.get(id) ?? 0, width: 0, height: 0, ...sizes.get(id) })));
  return place(cells);
}

/** Who follows whom, the good way first; a line that leads back to where the way came from does not count. */
function forwardLines(doc: FlowDocument, ids: string[]): Successors {
  const known = new Set(ids);
  const all: Successors = new Map(ids.map((id) => [id, []]));
  const lines = linesOf(doc).filter((line) => known.has(line.to));
  for (const line of [...lines.filter((l) => !isBad(l.port)), ...lines.filter((l) => isBad(l.port))]) all.get(line.from)?.push(line.to);
  const entered = new Set(lines.map((line) => line.to));
  const forward: Successors = new Map(ids.map((id) => [id, []]));
  const state = new Map<string, "open" | "done">();
  for (const root of [...ids.filter((id) => !entered.has(id)), ...ids]) {
    if (state.has(root)) continue;
    const path = [{ id: root, left: [...(all.get(root) ?? [])] }];
    state.set(root, "open");
    for (let at = path.at(-1); at; at = path.at(-1)) {
      const to = at.left.shift();
      if (to === undefined) {
        state.set(at.id, "done");
        path.pop();
      } else if (state.get(to) !== "open") {
        forward.get(at.id)?.push(to);
        if (!state.has(to)) {
          state.set(to, "open");
          path.push({ id: to, left: [...(all.get(to) ?? [])] });
        }
      }
    }
  }
  return forward;
}

/** A block stands right of all that lead to it. */
function columnsOf(ids: string[], next: Successors): Map<string, number> {
  const waiting = new Map(ids.map((id) => [id, 0]));
  for (const targets of next.values()) for (const to of targets) waiting.set(to, (waiting.get(to) ?? 0) + 1);
  const columns = new Map<string, number>();
  const ready = ids.filter((id) => waiting.get(id) === 0);
  for (const id of ready) {
    const column = columns.get(id) ?? 0;
    columns.set(id, column);
    for (const to of next.get(id) ?? []) {
      columns.set(to, Math.max(columns.get(to) ?? 0, column + 1));
      waiting.set(to, (waiting.get(to) ?? 1) - 1);
      if (waiting.get(to) === 0) ready.push(to);
    }
  }
  return columns;
}

/** The first way takes the first row. Each branch takes the first free row beneath its block, the last branch first, so that rows nest and do not cross. */
function rowsOf(ids: string[], next: Successors, columns: Map<string, number>): Map<string, number> {
  const rows = new Map<string, number>();
  const taken = new Set<string>();
  const column = (id: string): number => columns.get(id) ?? 0;
  const placeWay = (root: string, above: number, from: number): void => {
    const way: string[] = [];
    let end = root;
    for (let id: string | undefined = root; id !== undefined && !rows.has(id) && !way.includes(id); id = next.get(id)?.[0]) {
      way.push(id);
      end = next.get(id)?.[0] ?? id;
    }
    const last = way.at(-1) ?? root;
    const to = Math.max(column(last), end === last ? 0 : column(end) - 1);
    const isFree = (row: number): boolean => {
      for (let c = from; c <= to; c += 1) if (taken.has(`${c} ${row}`)) return false;
      return true;
    };
    let row = above;
    while (!isFree(row)) row += 1;
    for (let c = from; c <= to; c += 1) taken.add(`${c} ${row}`);
    for (const id of way) rows.set(id, row);
    for (const id of way.reverse()) {
      for (const branch of next.get(id) ?? []) if (!rows.has(branch)) placeWay(branch, row + 1, column(id));
    }
  };
  for (const id of ids) if (!rows.has(id)) placeWay(id, 0, column(id));
  return rows;
}

interface Cell {
  id: string;
  column: number;
  row: number;
  width: number;
  height: number;
}

/** Breaks a way that is much wider than the stage into lines of equal length, as a text is; one that branches often stays whole. */
function fold(cells: Cell[]): (Cell & { band: number })[] {
  const count = Math.max(0, ...cells.map((cell) => cell.column)) + 1;
  const high = new Set(cells.map((cell) => cell.row)).size;
  const shapeAt = (bands: number): number => (Math.ceil(count / bands) * 320) / (bands * (high * 176 + GAP.band));
  let bands = 1;
  while (high <= 2 && count / bands > FEW && Math.abs(Math.log(shapeAt(bands + 1) / SHAPE)) < Math.abs(Math.log(shapeAt(bands) / SHAPE))) bands += 1;
  const length = Math.ceil(count / bands);
  return cells.map((cell) => ({ ...cell, column: cell.column % length, band: Math.floor(cell.column / length) }));
}

/** Every row's blocks share their middle, so that lines within it are straight; every column's too. */
function place(cells: (Cell & { band: number })[]): Map<string, Point> {
  const widths = new Map<number, number>();
  const heights = new Map<string, number>();
  const rowOf = (cell: { band: number; row: number }): string => `${cell.band} ${cell.row}`;
  for (const cell of cells) {
    widths.set(cell.column, Math.max(widths.get(cell.column) ?? 0, cell.width));
    heights.set(rowOf(cell), Math.max(heights.get(rowOf(cell)) ?? 0, cell.height));
  }
  const lefts = new Map<number, number>();
  let x = 0;
  for (const [column, width] of [...widths].sort(([a], [b]) => a - b)) {
    lefts.set(column, x);
    x += width + GAP.column;
  }
  const middles = new Map<string, number>();
  let y = 0;
  let band = 0;
  for (const cell of [...cells].sort((a, b) => a.band - b.band || a.row - b.row)) {
    if (middles.has(rowOf(cell))) continue;
    if (cell.band !== band) y += GAP.band;
    band = cell.band;
    const height = heights.get(rowOf(cell)) ?? 0;
    const middle = y + height / 2;
    middles.set(rowOf(cell), middle + ((HALF - middle) % GRID) + GRID);
    y += height + GAP.row;
  }
  return new Map(
    cells.map((cell) => {
      const left = (lefts.get(cell.column) ?? 0) + ((widths.get(cell.column) ?? 0) - cell.width) / 2;
      return [cell.id, [onGrid(left), onGrid((middles.get(rowOf(cell)) ?? 0) - cell.height / 2)]];
    }),
  );
}

function onGrid(value: number): number {
  return Math.round(value / GRID) * GRID;
}
