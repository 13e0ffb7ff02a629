// Measures the pages against a running `tieline local`: npm run measure -- ADDRESS-WITH-TOKEN, best over a folder that
// `cargo run --example fill` has filled
// First view: from the start of the navigation until figures stand there, in a fresh browser each time.
// Memory: the heap after garbage collection while a day of live updates passes through the page.
import { chromium } from "@playwright/test";

const address = process.argv[2];
if (!address) throw new Error("give the address that `tieline local` printed");
const { origin, searchParams } = new URL(address);
const headers = { Authorization: `Bearer ${searchParams.get("token")}` };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

const VIEWS = { overview: ".tile .value", "dead-letters": "td a", writes: "td a", history: ".sheet", contacts: ".empty" };
for (const [view, seen] of Object.entries(VIEWS)) {
  const times = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${address}#/${view}`, { waitUntil: "commit" });
    await page.locator(seen).first().waitFor();
    times.push(await page.evaluate(() => performance.now()));
    await context.close();
  }
  times.sort((a, b) => a - b);
  console.log(`${view}: first view ${times.map((t) => t.toFixed(0)).join(" ")} ms, median ${times[2]?.toFixed(0)} ms`);
}

// A day at one update a second, sent as fast as the page takes them: every event differs from the one before.
const DAY = 86_400;
const AT_ONCE = 900;
const overview = await (await fetch(`${origin}/api/overview`, { headers })).json();
let sent = 0;
const context = await browser.newContext();
const page = await context.newPage();
await page.route("**/api/events", async (route) => {
  let body = "";
  for (let n = 0; n < AT_ONCE; n += 1, sent += 1) {
    const queue = { waiting: sent % 5000, inFlight: sent % 7, oldestAt: Date.now() - (sent % 600) * 1000 };
    body += `event: overview\ndata: ${JSON.stringify({ ...overview, queue })}\n\n`;
  }
  await route.fulfill({ contentType: "text/event-stream", body });
});
const cdp = await context.newCDPSession(page);
await page.goto(`${address}#/overview`);
await page.locator(".tile .value").first().waitFor();
const heap = async () => {
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize / 1024 / 1024;
};
for (let mark = DAY / 8; mark <= DAY; mark += DAY / 8) {
  while (sent < mark) await page.waitForTimeout(200);
  console.log(`${sent} live updates: heap ${(await heap()).toFixed(1)} MB`);
}
await browser.close();
