import { expect, expectNoViolations, FIELDS, kept, node, POP, socket, test } from "./fixtures";

test("import, break, mend and activate a flow", async ({ page, server }) => {
  await page.goto(server.address);
  await page.getByRole("button", { name: "Upload" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Import a flow" });
  const strange = { ...POP, actions: [...POP.actions, { id: "uid-9", type: "SE_FromTomorrow", meta: { kept: true }, controls: { a: "b" }, ports: { done: "uid-3" }, position: [528, 300] }] };
  await dialog.getByLabel("Flow as text").fill(JSON.stringify(strange));
  await dialog.getByRole("button", { name: "Look at it" }).click();
  await expect(dialog).toContainText("SE_FromTomorrow");
  await dialog.getByRole("button", { name: "Import" }).click();
  const form = page.getByRole("dialog", { name: "New CTI Flow" });
  await form.getByLabel("CTI Flow Name").fill("Imported");
  await form.getByLabel("Source").selectOption("voiceContact");
  await form.getByLabel("Event").selectOption("onConnecting");
  await form.getByRole("button", { name: "Save" }).click();

  await expect(node(page, "uid-9")).toContainText("SE_FromTomorrow");
  expect((await kept(server)).document).toEqual(strange);
  await node(page, "uid-9").click();
  await page.keyboard.press("Delete");
  await expect(node(page, "uid-9")).toHaveCount(0);

  // Break it: the block whose result is read goes away.
  await node(page, "uid-1").click();
  await page.keyboard.press("Delete");
  await expect(page.locator(".react-flow__edge")).toHaveCount(3);
  await node(page, "uid-2").click();
  await expect(page.locator(".chip.broken")).toBeVisible();
  await expect(node(page, "uid-2").locator(".mini.error")).toBeVisible();
  await page.getByRole("button", { name: "Activate" }).click();
  await expect(page.getByText(/must be mended before/)).toBeVisible();
  const problems = page.getByRole("tabpanel", { name: "Problems" });
  await expect(problems).toContainText("X403");
  expect((await kept(server)).active).toBe(false);

  // Mend it: undo twice, once for the removal and once for nothing else.
  await page.getByRole("button", { name: /^Undo/ }).click();
  await expect(node(page, "uid-1")).toBeVisible();
  await expect(page.locator(".chip.broken")).toHaveCount(0);
  await page.getByRole("button", { name: "Activate" }).click();
  await expect(page.locator(".record-head").getByText("Active", { exact: true })).toBeVisible();
  const after = await kept(server);
  expect(after.active).toBe(true);
  expect(after.document).toEqual(POP);
});

test("what cannot be read as a flow is shown and kept", async ({ page, server }) => {
  await page.goto(server.address);
  await page.getByRole("button", { name: "Upload" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Import a flow" });
  await dialog.getByLabel("Flow as text").fill('{"actions": [ this is no flow');
  await dialog.getByRole("button", { name: "Look at it" }).click();
  await expect(dialog).toContainText("This cannot be read as a flow");
  await dialog.getByRole("button", { name: "Keep it as a record" }).click();
  const form = page.getByRole("dialog", { name: "New CTI Flow" });
  await form.getByLabel("CTI Flow Name").fill("Damaged");
  await form.getByLabel("Source").selectOption("voiceContact");
  await form.getByLabel("Event").selectOption("onConnected");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Invalid Script")).toBeVisible();
  await page.reload();
  await expect(page.getByText("this is no flow")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the raw text" }).click();
  expect((await download).suggestedFilename()).toBe("Damaged.txt");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Main Menu" })).toBeVisible();
});

test("the server is killed and restarted in the middle of editing", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await node(page, "uid-2").click();
  await page.getByLabel(/^Query parameters/).fill("kept=1");
  await page.keyboard.press("Tab");
  await server.kill();
  await page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/Your work is kept in this browser/)).toBeVisible();
  await expect(page.getByText("Offline, trying again")).toBeAttached();
  await node(page, "uid-2").click();
  await page.getByLabel(/^Query parameters/).fill("kept=2");
  await page.keyboard.press("Tab");
  await server.start();
  await expect(page.getByText("Saved as version 2")).toBeVisible({ timeout: 20_000 });
  const saved = await kept(server);
  expect(saved.document.actions.find((action) => action.id === "uid-2")?.controls["queryParams"]).toBe("kept=2");
});

test("unsaved work survives a reload", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await node(page, "uid-1").click();
  await page.keyboard.press("F2");
  await page.getByLabel("Name of this block").fill("Who calls");
  await page.keyboard.press("Enter");
  await expect(node(page, "uid-1")).toContainText("Who calls");
  await page.reload();
  await expect(page.getByText(/Unsaved changes were restored/)).toBeVisible();
  await expect(node(page, "uid-1")).toContainText("Who calls");
  await page.getByRole("button", { name: "Discard them" }).click();
  await expect(node(page, "uid-1")).toContainText("Get Customer Phone Number");
});

test("two editors of one flow are told of each other, and neither loses work", async ({ page, server }) => {
  const flow = await server.call<{ id: string; draftVersion: number }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await node(page, "uid-1").click();
  await page.keyboard.press("Delete");
  const theirs = structuredClone(POP);
  theirs.actions[1]!.position = [192, 160];
  await server.call("PUT", `/flows/${flow.id}`, { ...FIELDS, document: theirs, baseVersion: flow.draftVersion });
  await page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/saved version 2 meanwhile/)).toBeVisible();
  await page.getByRole("button", { name: "See the differences" }).click();
  const diff = page.getByRole("dialog", { name: "Their version and your stage" });
  await expect(diff).toContainText("removed");
  await diff.getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("button", { name: "Keep mine" }).click();
  await page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved as version 3")).toBeVisible();
});

test("what two people changed is merged, and where both changed one block the author chooses", async ({ page, server }) => {
  const flow = await server.call<{ id: string; draftVersion: number }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await node(page, "uid-1").click();
  await page.keyboard.press("F2");
  await page.getByLabel("Name of this block").fill("Who calls");
  await page.keyboard.press("Enter");
  await node(page, "uid-2").click();
  await page.getByLabel(/^Query parameters/).fill("mine=1");
  await page.keyboard.press("Tab");
  const theirs = structuredClone(POP) as { actions: { id: string; controls: object; ports: object }[] };
  theirs.actions[1]!.ports = { done: "uid-4" };
  theirs.actions[2]!.controls = { ...theirs.actions[2]!.controls, queryParams: "theirs=1" };
  const log = { id: "uid-4", type: "SE_Log", meta: {}, controls: { level: "info", message: "Called" }, ports: { done: "uid-2" }, position: [352, 192] };
  theirs.actions.push(log);
  await server.call("PUT", `/flows/${flow.id}`, { ...FIELDS, name: "Named by them", document: theirs, baseVersion: flow.draftVersion });

  const save = page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" });
  await save.click();
  await expect(page.getByText(/saved version 2 meanwhile/)).toBeVisible();
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Merge their version with your stage" });
  await expect(dialog).toContainText("1 block changed by both of you");
  await expect(dialog.getByRole("button", { name: "Merge", exact: true })).toBeDisabled();
  await expect(dialog.getByRole("region", { name: "What the merge does to your stage" })).toContainText("uid-4");
  await expectNoViolations(page, "merge");
  const choice = dialog.getByRole("group", { name: /Search And Screenpop/ });
  await expect(choice).toContainText("theirs=1");
  await choice.getByRole("radio", { name: /^Theirs/ }).focus();
  await page.keyboard.press("Space");
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();

  await expect(node(page, "uid-4")).toBeVisible();
  await expect(node(page, "uid-1")).toContainText("Who calls");
  await page.keyboard.press("Control+z");
  await expect(node(page, "uid-4")).toHaveCount(0);
  await page.keyboard.press("Control+Shift+z");
  await expect(node(page, "uid-4")).toBeVisible();
  await save.click();
  await expect(page.getByText("Saved as version 3")).toBeVisible();
  const { document, ...fields } = await kept(server);
  expect(fields).toMatchObject({ name: "Named by them" });
  expect(document.actions.map((action) => action.id)).toEqual(["uid-0", "uid-1", "uid-2", "uid-3", "uid-4"]);
  expect(document.actions[1]).toMatchObject({ meta: { title: "Who calls" }, ports: { done: "uid-4" } });
  expect(document.actions[2]?.controls["queryParams"]).toBe("theirs=1");
  expect(document.actions[4]).toEqual(log);
});

test("a test run is answered by samples, and by the author at a breakpoint", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await page.getByRole("button", { name: "Test run" }).click();
  const panel = page.getByRole("tabpanel", { name: "Test run" });
  await panel.getByRole("button", { name: "Run", exact: true }).click();
  await expect(panel.locator("[data-status]")).toHaveText("Completed");
  await expect(page.locator(".react-flow__edge-path.taken")).toHaveCount(3);
  await node(page, "uid-2").click();
  await page.getByRole("button", { name: "Stop the test run here" }).click();
  await panel.getByRole("button", { name: "Run", exact: true }).click();
  await expect(panel).toContainText("Search And Screenpop waits for an answer");
  await panel.getByRole("button", { name: "Failure" }).click();
  await expect(panel.locator("[data-status]")).toHaveText("Completed");
  await expect(node(page, "uid-2").locator(".step-badge.failure")).toBeVisible();
  await expect(socket(page, "uid-2", "failure")).toHaveClass(/joined/);
});

test("delete has a way back, versions can be restored", async ({ page, server }) => {
  const flow = await server.call<{ id: string; draftVersion: number }>("POST", "/flows", { ...FIELDS, document: POP });
  await server.call("PUT", `/flows/${flow.id}`, { ...FIELDS, document: { actions: POP.actions.slice(0, 1).map((a) => ({ ...a, ports: {} })) }, note: "Cut down", baseVersion: 1 });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await page.getByRole("button", { name: "Versions" }).click();
  const panel = page.getByRole("tabpanel", { name: "Versions" });
  await expect(panel).toContainText("Cut down");
  await panel.getByRole("listitem").filter({ hasText: "Version 1" }).getByRole("button", { name: "Restore" }).click();
  await expect(node(page, "uid-2")).toBeVisible();
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("No flows yet").or(page.getByText("No flow matches"))).toBeVisible();
  await page.locator(".toast").filter({ hasText: "Deleted" }).getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("Restored Screen pop")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Screen pop" })).toBeVisible();
});

test("a file that is dropped on the list or on the editor is looked at", async ({ page, server }) => {
  const drop = async (selector: string): Promise<void> => {
    const data = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], "Dropped.json", { type: "application/json" }));
      return transfer;
    }, JSON.stringify(POP));
    await page.dispatchEvent(selector, "drop", { dataTransfer: data });
  };
  await page.goto(server.address);
  await expect(page.getByText("No flows yet")).toBeVisible();
  await drop(".page");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("4 blocks");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog.getByLabel("CTI Flow Name")).toHaveValue("Dropped");
  const flow = await server.call<{ id: string }>("POST", "/flows", FIELDS);
  await page.goto(`${server.origin}/#/flows/${flow.id}/editor`);
  await expect(page.locator(".stage")).toBeVisible();
  await drop(".editor .stage");
  await expect(dialog).toContainText("4 blocks");
  await dialog.getByRole("button", { name: "Replace the stage" }).click();
  await expect(page.locator(".react-flow__node")).toHaveCount(4);
  await page.keyboard.press("Control+z");
  await expect(page.locator(".react-flow__node")).toHaveCount(0);
});

test("an arrangement is shown before it is made, and refused it leaves everything as it was", async ({ page, server }) => {
  const document = structuredClone(POP);
  document.actions[2]!.position = [160, 560];
  const notes = [{ id: "n", text: "Stays with its block", position: [160, 440] }];
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document, notes });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  const arrange = page.getByRole("button", { name: "Arrange left to right" });
  const bar = page.getByRole("toolbar");
  await arrange.click();
  await expect(page.getByText(/So it would be arranged: \d blocks? would move/)).toBeVisible();
  await expect(node(page, "uid-2").locator(".block.moved")).toBeVisible();
  await expect(page.getByRole("button", { name: "Arrange so" })).toBeFocused();
  await expectNoViolations(page, "proposal");
  await page.keyboard.press("Escape");
  await expect(page.getByText(/So it would be arranged/)).toHaveCount(0);
  await expect(arrange).toBeFocused();
  await expect(bar).toContainText("Saved");
  await expect(page.getByRole("button", { name: /^Undo/ })).toBeDisabled();

  await arrange.click();
  await expect(page.getByRole("button", { name: "Arrange so" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(bar).toContainText("Unsaved changes");
  await page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved as version 2")).toBeVisible();
  const after = (await kept(server)) as unknown as { document: typeof POP; notes: typeof notes };
  const [x = 0, y = 0] = after.document.actions[2]!.position;
  expect([x, y]).not.toEqual([160, 560]);
  expect(after.notes[0]?.position).toEqual([x, y - 120]);
  await arrange.click();
  await expect(page.getByText("The flow is arranged already")).toBeVisible();
  await page.getByRole("button", { name: /^Undo: Arrange/ }).click();
  await expect(bar).toContainText("Unsaved changes");
});
