import { readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { CatalogueData, Template } from "../api/types";

const SCHEMAS = resolve(import.meta.dirname, "../../../schemas");

const read = (name: string): unknown => JSON.parse(readFileSync(`${SCHEMAS}/${name}`, "utf8"));

/** For tests: the catalogue that the server serves, one file of data for engine, validator and editor. */
export function readCatalogue(): CatalogueData {
  const [{ blocks }, { sources }] = [read("cti-catalogue.json") as CatalogueData, read("cti-sources.json") as CatalogueData];
  return { blocks, sources };
}

/** For tests: the example flows that the server offers. */
export function readTemplates(): Template[] {
  return readdirSync(`${SCHEMAS}/templates`).map((name) => read(`templates/${name}`) as Template);
}
