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
      if (block.type !== null) this.#byType.set(block.type, block);
      this.#byType.set(block.proposedType, block);
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

  source(id: string): SourceSpec | undefined {
    return this.sources.find((source) => source.id === id);
  }

  sourceLabel(id: string): string {
    return this.source(id)?.label ?? id;
  }
}

/** The name written to the file. */
export function typeOf(block: BlockSpec): string {
  return block.type ?? block.proposedType;
}

export interface BlockQuery {
  text: string;
  categories: string[];
  tags: string[];
  source: string;
  favourites: string[];
  recent: string[];
}

/** Words people use for groups of blocks; a tag is found in titles, call names and results. */
export const TAGS: Record<string, RegExp> = {
  screenpop: /screen ?pop|primary tab|sub ?tab/i,
  phone: /phone|dial|softphone/i,
  task: /task/i,
  status: /status|state|available/i,
  properties: /propert|counter/i,
  text: /string|text|format|join|slice|template/i,
  decision: /^is |\?$|if-else|starts with|ends with/i,
  record: /record|query|lead|contact id|apex/i,
  recording: /record(ing)?$|voicemail/i,
};

export function tagsOf(block: BlockSpec): string[] {
  const tags = Object.entries(TAGS)
    .filter(([, pattern]) => pattern.test(block.title))
    .map(([tag]) => tag);
  return block.shape === "diamond" && !tags.includes("decision") ? [...tags, "decision"] : tags;
}

/** The Explorer's answer, best first: title before alias before everything else, then what fits the source. */
export function findBlocks(catalogue: Catalogue, query: BlockQuery): BlockSpec[] {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const likely = LIKELY[query.source] ?? ["connect-contact", "salesforce-ui", "salesforce-data", "core"];
  const scored: { block: BlockSpec; score: number; place: number }[] = [];
  catalogue.blocks.forEach((block, place) => {
    if (block.proposedType === "SE_Start" || block.proposedType === "SE_End") return;
    if (query.categories.length > 0 && !query.categories.includes(block.category)) return;
    if (query.tags.length > 0 && !query.tags.some((tag) => tagsOf(block).includes(tag))) return;
    const match = scoreWords(block, words);
    if (match === 0) return;
    const type = typeOf(block);
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
  const near = [typeOf(block), ...(block.aliases ?? []), block.upstreamCalls ?? "", block.api ?? ""].join(" ").toLowerCase();
  const far = [block.summary, ...block.controls.map((c) => c.name), ...block.results.map((r) => r.name)].join(" ").toLowerCase();
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
