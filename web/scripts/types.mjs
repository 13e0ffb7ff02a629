// The types of the JSON interface, made from schemas/openapi.json; with --check, whether they are so already.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTypescript from "openapi-typescript";

const file = new URL("../src/api/schema.d.ts", import.meta.url);
const document = JSON.parse(readFileSync(new URL("../../schemas/openapi.json", import.meta.url), "utf8"));
const made = await openapiTypescript(document);
if (!process.argv.includes("--check")) {
  writeFileSync(file, made);
} else if (readFileSync(file, "utf8") !== made) {
  console.error("src/api/schema.d.ts is older than schemas/openapi.json: run `npm run types`");
  process.exit(1);
}
