import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CatalogueData, Template } from "../src/api/types";

/** The catalogue the server embeds: one file of data for engine, validator and editor. */
export function readCatalogue(): CatalogueData {
  const schemas = resolve(import.meta.dirname, "../../schemas");
  const read = (name: string): CatalogueData => JSON.parse(readFileSync(`${schemas}/${name}`, "utf8")) as CatalogueData;
  return { blocks: read("cti-catalogue.json").blocks, sources: read("cti-sources.json").sources };
}

/** The example flows the server offers. */
export function readTemplates(): Template[] {
  const folder = resolve(import.meta.dirname, "../../schemas/templates");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as Template);
}
