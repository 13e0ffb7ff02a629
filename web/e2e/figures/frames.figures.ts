import { FIELDS, test } from "../fixtures";

/** How smoothly a block is dragged in a flow of three hundred: `npm run frames` prints frames a second. */
test("frames while a block is dragged", async ({ page, server }) => {
  const step = (n: number) => ({
    id: `uid-${n}`,
    type: "SE_ContactCustomerPhoneNumber",
    meta: {},
    controls: {},
    ports: { done: `uid-${n + 1}` },
    position: [208 + (n % 15) * 288, Math.floor(n / 15) * 176],
  });
  const start = { id: "uid-0", type: "SE_Start", meta: {}, controls: {}, ports: { done: "uid-1" }, position: [0, 16] };
  const end = { id: "uid-299", type: "SE_End", meta: {}, controls: {}, ports: {}, position: [208, 3700] };
  const actions = [start, ...Array.from({ length: 298 }, (_, n) => step(n + 1)), end];
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, name: "Three hundred blocks", document: { actions } });
  await page.goto(server.address);
  await page.goto(`${server.origin}/#/flows/${flow.id}/editor`);
  const block = page.locator('.react-flow__node[data-id="uid-10"]');
  await block.waitFor();
  const box = await block.boundingBox();
  if (!box) throw new Error("the block is not on the stage");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.evaluate(() => {
    const times: number[] = [];
    const tick = (time: number): void => {
      times.push(time);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    Object.assign(window, { times });
  });
  for (let n = 0; n < 180; n += 1) await page.mouse.move(box.x + 20 + n, box.y + 20 + (n % 60));
  const times = await page.evaluate(() => (window as unknown as { times: number[] }).times);
  await page.mouse.up();
  const gaps = times.slice(1).map((time, n) => time - (times[n] ?? time)).sort((a, b) => a - b);
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  const late = gaps[Math.floor(gaps.length * 0.95)] ?? 0;
  console.log(`300 blocks: ${((gaps.length * 1000) / total).toFixed(1)} frames a second while one is dragged; 95 of 100 frames within ${late.toFixed(1)} ms`);
});
