import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { expect, expectNoViolations, FIELDS, node, POP, test } from "./fixtures";

async function saved(page: Page, button: Locator): Promise<{ name: string; path: string; content: string }> {
  const waiting = page.waitForEvent("download");
  await button.click();
  const download = await waiting;
  const path = await download.path();
  return { name: download.suggestedFilename(), path, content: readFileSync(path, "utf8") };
}

test("a flow and its run are shared as a page and as JSON, and no value of the run is in them", async ({ page, server, context }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, name: "Pop & <search>", document: POP, notes: [{ id: "n", text: "Grace left in May", position: [0, -200] }] });
  const event = { source: "voiceContact", name: "onConnecting", payload: {}, contact: { contactId: "c-1", phone: "+12065550142", attributes: { customer: "Grace Example" } }, agent: { name: "Ada Example" } };
  const run = await server.call<{ id: string; pending: { actionId: string } }>("POST", "/runs", { flowId: flow.id, event, mode: "live" });
  await server.call("POST", `/runs/${run.id}/complete`, { actionId: run.pending.actionId, outcome: { kind: "failure", exception: { name: "NoMatch", message: "Nobody has +12065550142" } } });

  await page.goto(`${server.address}#/flows/${flow.id}/editor?run=${run.id}`);
  await expect(node(page, "uid-2").locator(".step-badge.failure")).toBeVisible();
  await page.getByRole("button", { name: "For a support case" }).click();
  const dialog = page.getByRole("dialog", { name: "Share for a support case" });
  await expect(dialog.getByRole("region", { name: "What is shared" })).toContainText("NoMatch");
  await expectNoViolations(page, "share");

  const html = await saved(page, dialog.getByRole("button", { name: "Download as a page" }));
  const json = await saved(page, dialog.getByRole("button", { name: "Download as JSON" }));
  expect([html.name, json.name]).toEqual(["Pop-search-shared.html", "Pop-search-shared.json"]);
  for (const { content } of [html, json]) {
    expect(content).not.toMatch(/2065550142|Grace|Ada Example|c-1"/);
    expect(content).toContain("phone number, 12 characters");
    expect(content).toContain("NoMatch");
    expect(content).toContain(run.id);
  }
  expect(html.content).not.toContain("<script");
  const shared = JSON.parse(json.content) as { flow: object; blocks: { id: string; arguments: object }[] };
  expect(shared.flow).toMatchObject({ name: "Pop & <search>", version: 1, saved: true });
  expect(shared.blocks[2]).toMatchObject({ id: "uid-2", arguments: { searchParams: "$.actions.uid-1.results.phone", callType: "inbound" } });

  const reader = await context.newPage();
  await reader.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: html.content }));
  await reader.goto("http://support.example/shared.html");
  await expect(reader.getByRole("heading", { name: "Pop & <search>" })).toBeVisible();
  await expect(reader.getByRole("img", { name: "Pop & <search>" })).toBeVisible();
  await expect(reader.getByRole("row").filter({ hasText: "failure → uid-3" }).first()).toContainText("Search And Screenpop");
});

test("texts of the blocks are shared only when the author says so", async ({ page, server }) => {
  const document = structuredClone(POP) as { actions: { controls: object }[] };
  document.actions[2]!.controls = { ...document.actions[2]!.controls, queryParams: "vip=Grace" };
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await page.getByRole("button", { name: "Download" }).click();
  await page.getByRole("menuitem", { name: "For a support case" }).click();
  const dialog = page.getByRole("dialog", { name: "Share for a support case" });
  const preview = dialog.getByRole("region", { name: "What is shared" });
  await expect(preview).toContainText("‹text, 9 characters›");
  await expect(preview).not.toContainText("vip=Grace");
  await dialog.getByRole("checkbox", { name: "Show the texts that stand in the blocks" }).check();
  await expect(preview).toContainText("vip=Grace");
});
