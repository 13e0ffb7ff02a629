import { expect, FIELDS, kept, node, POP, test } from "./fixtures";

test("a flow is built, joined and saved by keys alone", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", FIELDS);
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const start = page.locator('[data-item="SE_Start"]');
  await start.focus();
  await press("Enter");
  const first = page.locator('.react-flow__node[data-id="uid-0"]');
  await expect(first).toContainText("Start");

  // Each new block is joined to the selected one.
  const add = async (words: string, title: string): Promise<void> => {
    await page.locator(".react-flow__node.selected").focus();
    await press("a");
    const search = page.getByPlaceholder("Name, alias, type or call");
    await expect(search).toBeFocused();
    await page.keyboard.type(words);
    await press("Enter");
    await expect(page.locator(".react-flow__node.selected")).toContainText(title);
  };
  await add("customer phone", "Get Customer Phone Number");
  await add("search and screenpop", "Search And Screenpop");
  await expect(page.locator(".react-flow__edge")).toHaveCount(2);

  // Enter goes to the arguments; the arrow and Enter choose the phone.
  await page.locator(".react-flow__node.selected").focus();
  await press("Enter");
  await expect(page.getByLabel(/^Search text/)).toBeFocused();
  await press("ArrowDown", "Enter");
  await expect(page.locator(".chip")).toContainText("-> phone");

  // End from the palette; then lines from both outputs.
  await page.locator('.react-flow__node[data-id="uid-2"]').focus();
  await press("Escape");
  await page.locator('[data-item="SE_End"]').focus();
  await press("Enter");
  await expect(page.locator('.react-flow__node[data-id="uid-3"]')).toContainText("End");
  const search = page.locator('.react-flow__node[data-id="uid-2"]');
  for (const port of ["success", "failure"]) {
    await search.focus();
    await press("Enter");
    await search.focus();
    await press("c");
    const chooser = page.getByRole("listbox", { name: new RegExp(`${port}$`) });
    await expect(chooser).toBeFocused();
    await expect(chooser).toBeVisible();
    while (!(await page.locator("#line-to-uid-3").getAttribute("aria-selected"))?.includes("true")) await press("ArrowDown");
    await press("Enter");
  }
  await expect(page.locator(".react-flow__edge")).toHaveCount(4);

  // Arrows move by the grid, one undo takes the whole move back.
  const place = (): Promise<string | null> => search.getAttribute("style");
  const before = await place();
  await search.focus();
  await press("ArrowDown", "ArrowDown", "ArrowDown");
  await expect.poll(place).not.toBe(before);
  await press("Control+z");
  await expect.poll(place).toBe(before);

  await press("Control+s");
  await expect(page.getByText("Saved as version 2")).toBeVisible();
  const actions = (await kept(server)).document.actions;
  expect(actions.map((action) => [action.type, action.ports])).toEqual([
    ["SE_Start", { done: "uid-1" }],
    ["SE_ContactCustomerPhoneNumber", { done: "uid-2" }],
    ["SE_SFSearchAndScreenpop", { success: "uid-3", failure: "uid-3" }],
    ["SE_End", {}],
  ]);
  expect(actions[2]?.controls["searchParams"]).toBe("$.actions.uid-1.results.phone");
});

test("keys mean the editor after a click on the empty stage, and the dialog while one is open", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  const blocks = page.locator(".react-flow__node");
  await expect(blocks).toHaveCount(4);
  await page.locator(".stage .react-flow__pane").click({ position: { x: 300, y: 500 } });
  await page.keyboard.press("Control+a");
  await expect(page.locator(".react-flow__node.selected")).toHaveCount(4);
  await page.keyboard.press("Delete");
  await expect(blocks).toHaveCount(0);
  await page.keyboard.press("Control+z");
  await expect(blocks).toHaveCount(4);
  await node(page, "uid-1").click();
  await page.keyboard.press("Control+c");
  await page.keyboard.press("Control+v");
  await expect(blocks).toHaveCount(5);
  await page.getByRole("button", { name: "Change type" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).focus();
  await page.keyboard.press("Delete");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(blocks).toHaveCount(5);
});

test("what is typed into a new row of a map goes into the row", async ({ page, server }) => {
  const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
  await page.goto(`${server.address}#/flows/${flow.id}/editor`);
  await node(page, "uid-2").click();
  await page.getByRole("button", { name: "Add a field" }).click();
  await page.keyboard.type("LeadSource");
  await page.keyboard.press("Tab");
  await page.keyboard.type("pho");
  const list = await page.getByRole("listbox").boundingBox();
  expect((list?.x ?? 0) + (list?.width ?? 0)).toBeLessThanOrEqual(1280);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Add a field" }).press("Delete");
  await page.keyboard.press("Control+s");
  await expect(page.getByText("Saved as version 2")).toBeVisible();
  const action = (await kept(server)).document.actions.find((a) => a.id === "uid-2");
  expect(action?.controls["defaultFieldValues"]).toEqual({ LeadSource: "$.actions.uid-1.results.phone" });
});
