import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, expectNoViolations, FIELDS, kept, node, POP, test } from "./fixtures";

const notes = (page: Page) => page.locator(".react-flow__node-note");
const save = (page: Page) => page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" });

/** What "as the adapter writes it" downloads. */
async function downloaded(page: Page): Promise<string> {
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  await page.getByRole("menuitem", { name: "As the adapter writes it" }).click();
  return readFileSync(await (await waiting).path(), "utf8");
}

test("a note is written, moved, found, removed and taken back by keys, and the file never knows of it", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await expect(node(page, "uid-2")).toBeVisible();
  await page.locator(".react-flow__pane").click({ position: { x: 400, y: 40 } });
  const before = await downloaded(page);

  await node(page, "uid-2").focus();
  await page.keyboard.press("Enter");
  await node(page, "uid-2").focus();
  await page.keyboard.press("n");
  await page.getByLabel("Text of this note").fill("Ask Grace before you change this");
  await page.keyboard.press("Control+Enter");
  await expect(notes(page)).toHaveCount(1);
  await expect(notes(page)).toBeFocused();
  await expect(notes(page)).toHaveAccessibleName("Note: Ask Grace before you change this");
  await page.keyboard.press("Shift+ArrowUp");
  await page.keyboard.press("Enter");
  await page.getByLabel("Text of this note").fill("Ask Grace");
  await page.keyboard.press("Escape");
  await expect(notes(page)).toContainText("before you change this");
  await expectNoViolations(page, "note");

  await page.keyboard.press("Control+s");
  await expect(page.getByText("Saved as version 2")).toBeVisible();
  const saved = (await kept(server)) as unknown as { document: object; notes: { text: string; position: [number, number] }[] };
  expect(saved.document).toEqual(POP);
  expect(saved.notes).toMatchObject([{ text: "Ask Grace before you change this", position: [528, -176] }]);

  await notes(page).focus();
  await page.keyboard.press("Delete");
  await expect(notes(page)).toHaveCount(0);
  await page.keyboard.press("Control+z");
  await expect(notes(page)).toHaveCount(1);
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await page.reload();
  await expect(notes(page)).toHaveCount(1);

  await page.keyboard.press("Control+f");
  await page.getByRole("textbox", { name: "Search on the stage" }).fill("grace");
  await expect(page.getByRole("search")).toContainText("1 hit");
  await page.keyboard.press("Enter");
  await expect(notes(page)).toHaveClass(/selected/);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Outline" }).click();
  await expect(page.getByRole("region", { name: "Notes" }).getByRole("button", { name: "Ask Grace before you change this" })).toBeVisible();
  await page.locator(".react-flow__pane").click({ position: { x: 20, y: 160 } });
  expect(await downloaded(page)).toBe(before);
});

test("a note of somebody else comes along with a merge, and an older version brings its notes back", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await expect(node(page, "uid-2")).toBeVisible();
  await page.getByRole("button", { name: "Add a note" }).click();
  await page.getByLabel("Text of this note").fill("Mine");
  await page.locator(".react-flow__pane").click({ position: { x: 20, y: 200 } });
  await server.call("PUT", `/flows/${flow.id}`, { notes: [{ id: "note-1", text: "Theirs", position: [0, -200] }], baseVersion: 1 });
  await save(page).click();
  await expect(page.getByText(/saved version 2 meanwhile/)).toBeVisible();
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Merge their version with your stage" });
  await expect(dialog).toContainText("Theirs");
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();
  await expect(notes(page)).toHaveCount(2);
  await save(page).click();
  await expect(page.getByText("Saved as version 3")).toBeVisible();
  expect((await kept(server)) as unknown).toMatchObject({ notes: [{ text: "Theirs" }, { text: "Mine" }] });

  await page.getByRole("button", { name: "Versions" }).click();
  const panel = page.getByRole("tabpanel", { name: "Versions" });
  await panel.getByRole("listitem").filter({ hasText: "Version 2" }).getByRole("button", { name: "Compare" }).click();
  await expect(page.getByRole("dialog", { name: "Version 2 and the stage" })).toContainText("added note Mine");
  await page.keyboard.press("Escape");
  await panel.getByRole("listitem").filter({ hasText: "Version 1" }).getByRole("button", { name: "Restore" }).click();
  await expect(notes(page)).toHaveCount(0);
});
