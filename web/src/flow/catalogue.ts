import type { BlockSpec, CatalogueData, ControlSpec, Port, SourceSpec } from "../api/types";

export const CATEGORIES = ["core", "browser", "salesforce-ui", "salesforce-data", "connect-agent", "connect-contact"] as const;

/** Which categories an author most likely wants, by what the flow listens to. */
const LIKELY: Record<string, string[]> = {
  initialization: ["salesforce-ui", "core"],
  connectAgent: ["connect-agent", "salesforce-ui", "core"],
  salesforceAgent: ["connect-agent", "salesforce-ui", "core"],
  salesforceUi: ["connect-agent", "salesforce-ui", "core"],
  ctiAction: ["core", "salesforce-data", "connect-agent"],
};

/** What an unknown type may still do: it is shown, wired and kept. */
const UNKNOWN_PORTS: Port[] = ["done", "success", "failure", "true", "false"];

export class Catalogue {
  readonly blocks: BlockSpec[];
  readonly sources: SourceSpec[];
  readonly #byType = new Map<string, BlockSpec>();

  constructor(data: CatalogueData) {
    this.blocks = data.blocks;
    this.sources = data.sources;
    for (const block of data.blocks) {
      this.#byType.set(block.type, block);
    }
  }

  block(type: string): BlockSpec | undefined {
    return this.#byType.get(type);
  }

  title(type: string): string {
    return this.block(type)?.title ?? type;
  }

  ports(type: string): Port[] {
    return this.block(type)?.ports ?? UNKNOWN_PORTS;
  }

  /** Tags worth a filter: those that gather several blocks, the commonest first. */
  get tags(): string[] {
    const count = new Map<string, number>();
    for (const tag of this.blocks.flatMap((block) => block.tags)) count.set(tag, (count.get(tag) ?? 0) + 1);
    return [...count].filter(([, n]) => n > 2).sort((a, b) => b[1] - a[1]).map(([tag]) => tag).slice(0, 16);
  }

  source(id: string): SourceSpec | undefined {
    return this.sources.find((source) => source.id === id);
  }

  sourceLabel(id: string): string {
    return this.source(id)?.label ?? id;
  }
}

export interface BlockQuery {
  text: string;
  categories: string[];
  tags: string[];
  source: string;
  favourites: string[];
  recent: string[];
}

/** The Explorer's answer, best first: title before alias before everything else, then what fits the source. */
export function findBlocks(catalogue: Catalogue, query: BlockQuery): BlockSpec[] {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const likely = LIKELY[query.source] ?? ["connect-contact", "salesforce-ui", "salesforce-data", "core"];
  const scored: { block: BlockSpec; score: number; place: number }[] = [];
  catalogue.blocks.forEach((block, place) => {
    if (block.shape === "circle") return;
    if (query.categories.length > 0 && !query.categories.includes(block.category)) return;
    if (query.tags.length > 0 && !query.tags.some((tag) => block.tags.includes(tag))) return;
    const match = scoreWords(block, words);
    if (match === 0) return;
    const type = block.type;
    const fits = block.sources.length === 0 || query.source === "" || block.sources.includes(query.source);
    const rank = likely.indexOf(block.category);
    const liked = (query.favourites.includes(type) ? 8 : 0) + (query.recent.includes(type) ? 3 : 0);
    const score = match * 100 + liked + (fits ? 10 : 0) + (rank < 0 ? 0 : 6 - rank) - (block.deprecated ? 5 : 0);
    scored.push({ block, score, place });
  });
  return scored.sort((a, b) => b.score - a.score || a.place - b.place).map((entry) => entry.block);
}

function scoreWords(block: BlockSpec, words: string[]): number {
  if (words.length === 0) return 1;
  const title = block.title.toLowerCase();
  const near = [block.type, ...block.aliases, ...block.tags, ...block.calls].join(" ").toLowerCase();
  const far = [block.description, ...block.controls.map((c) => c.name), ...block.results.map((r) => r.name)].join(" ").toLowerCase();
  let total = 0;
  for (const word of words) {
    if (title.startsWith(word)) total += 5;
    else if (title.includes(word)) total += 4;
    else if (near.includes(word)) total += 2;
    else if (far.includes(word)) total += 1;
    else return 0;
  }
  return total;
}

/** What a new block carries: every argument with its default, as the adapter's own editor writes it. */
export function defaultControls(block: BlockSpec): Record<string, unknown> {
  return Object.fromEntries(block.controls.map((control) => [control.name, defaultValue(control)]));
}

function defaultValue(control: ControlSpec): unknown {
  if (control.default !== undefined && control.default !== null) return control.default;
  switch (control.type) {
    case "boolean":
      return false;
    case "map":
      return {};
    case "list":
      return [];
    default:
      return "";
  }
}
