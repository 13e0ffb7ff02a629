import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CatalogueData } from "../src/api/types";

/** The catalogue the server embeds: one file of data for engine, validator and editor. */
export function readCatalogue(): CatalogueData {
  const root = resolve(import.meta.dirname, "../..");
  const shared = process.env.SHARED_DIR ?? resolve(root, "../shared");
  const read = (names: string[]): unknown => {
    const path = names.find((name) => existsSync(name));
    if (!path) throw new Error(`none of these files exists: ${names.join(", ")}`);
    return JSON.parse(readFileSync(path, "utf8"));
  };
  const blocks = read([`${root}/src/flow/catalogue.json`, `${root}/src/flow/catalogue/blocks.json`, `${shared}/reference/cti-catalogue.json`]);
  const sources = read([`${root}/src/flow/sources.json`, `${root}/src/flow/catalogue/sources.json`, `${shared}/reference/cti-sources.json`]);
  return {
    blocks: (blocks as CatalogueData).blocks,
    sources: (sources as CatalogueData).sources,
  };
}
