import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { LocalServer } from "./server";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const test = base.extend<{ server: LocalServer; errors: string[] }>({
  // eslint-disable-next-line no-empty-pattern
  server: async ({}, use) => {
    const server = new LocalServer();
    await server.start();
    await use(server);
    await server.close();
  },
  /** What the page complained of; an error nobody expected fails the test. */
  errors: [
    async ({ page }, use) => {
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      await use(errors);
      expect(errors).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** WCAG A and AA, and best practices, as axe checks them. */
export async function expectNoViolations(page: Page, where: string): Promise<void> {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const axe = (window as unknown as { axe: { run: (context: object, options: object) => Promise<{ violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] }> } }).axe;
    const result = await axe.run({ exclude: [[".react-flow__attribution"]] }, { resultTypes: ["violations"] });
    return result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 4).map((n) => `    ${n.html.slice(0, 160)} ${(n.failureSummary ?? "").split("\n")[1] ?? ""}`).join("\n")}`);
  });
  expect.soft(found, `${where}:\n${found.join("\n")}`).toEqual([]);
}

export function node(page: Page, id: string): Locator {
  return page.locator(`.react-flow__node[data-id="${id}"]`);
}

export function socket(page: Page, id: string, port: string): Locator {
  return page.locator(`.react-flow__handle[data-nodeid="${id}"][data-port="${port}"]`);
}

export function line(page: Page, id: string): Locator {
  return page.locator(`.react-flow__edge[data-id="${id}"]`);
}

/** Drags a piece of the sidebar to a place of the stage, given in parts of its size. */
export async function drag(page: Page, item: "block" | "SE_Start" | "SE_End", across: number, down: number): Promise<void> {
  const from = await page.locator(`[data-item="${item}"]`).boundingBox();
  const stage = await page.locator(".stage").boundingBox();
  if (!from || !stage) throw new Error("the sidebar or the stage is not there");
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(stage.x + stage.width * across, stage.y + stage.height * down, { steps: 8 });
  await page.mouse.up();
}

/** The kept content of the one flow there is. */
export async function kept(server: LocalServer): Promise<{ id: string; draftVersion: number; active: boolean; document: { actions: { id: string; type: string; ports: Record<string, string>; controls: Record<string, unknown> }[] } }> {
  const { flows } = await server.call<{ flows: { id: string }[] }>("GET", "/flows");
  return server.call("GET", `/flows/${flows[0]?.id}`);
}

export const FIELDS = { name: "Screen pop", adapter: "ACLightningAdapter", source: "voiceContact", event: "onConnecting", description: "", order: 1, debug: false };

/** A flow that is whole: the walk-through's result. */
export const POP = {
  actions: [
    { id: "uid-0", type: "SE_Start", meta: {}, controls: {}, ports: { done: "uid-1" }, position: [0, 16] },
    { id: "uid-1", type: "SE_ContactCustomerPhoneNumber", meta: {}, controls: {}, ports: { done: "uid-2" }, position: [192, 16] },
    {
      id: "uid-2",
      type: "SE_SFSearchAndScreenpop",
      meta: {},
      controls: { searchParams: "$.actions.uid-1.results.phone", queryParams: "", defaultFieldValues: {}, deferred: false, callType: "inbound" },
      ports: { success: "uid-3", failure: "uid-3" },
      position: [528, 16],
    },
    { id: "uid-3", type: "SE_End", meta: {}, controls: {}, ports: {}, position: [880, 16] },
  ],
};
