import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CatalogueData } from "../api/types";

/** For tests: the catalogue that the server serves, one file of data for engine, validator and editor. */
export function readCatalogue(): CatalogueData {
  const schemas = resolve(import.meta.dirname, "../../../schemas");
  const read = (name: string): CatalogueData => JSON.parse(readFileSync(`${schemas}/${name}`, "utf8")) as CatalogueData;
  return { blocks: read("cti-catalogue.json").blocks, sources: read("cti-sources.json").sources };
}
