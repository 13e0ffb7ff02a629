// The first view may cost 300 KB compressed; the build fails beyond.
import { gzipSync } from "node:zlib";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LIMIT = 300 * 1024;
const dist = join(import.meta.dirname, "../dist");
const html = readFileSync(join(dist, "index.html"), "utf8");
const names = readdirSync(join(dist, "assets"));
const size = (name) => (name.endsWith(".woff2") ? readFileSync(join(dist, "assets", name)).length : gzipSync(readFileSync(join(dist, "assets", name))).length);
const first = names.filter((name) => html.includes(name) || name.startsWith("FlowsPage") || name.endsWith(".woff2"));
const total = first.reduce((sum, name) => sum + size(name), 0);
const editor = names.filter((name) => name.startsWith("Editor-")).reduce((sum, name) => sum + size(name), 0);
console.log(`first view ${(total / 1024).toFixed(0)} KB compressed (limit ${LIMIT / 1024}), the editor adds ${(editor / 1024).toFixed(0)} KB`);
if (total > LIMIT) {
  console.error(`too large: ${first.join(", ")}`);
  process.exit(1);
}
