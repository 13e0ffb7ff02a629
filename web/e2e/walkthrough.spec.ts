import { drag, expect, kept, line, node, socket, test } from "./fixtures";

// The documentation's own example, in its order and its words: a screen pop when a voice call comes.

test("from New to the screen pop, as the documentation tells it", async ({ page, server }) => {
  const { records } = await server.call<{ records: { id: string; object: string; name: string }[] }>("GET", "/records/search?q=%2B12065550102");
  const contact = records.find((record) => record.object === "Contact");
  expect(contact, "the sample company has a contact with this number").toBeTruthy();

  await test.step("a form takes name, adapter, source and event", async () => {
    await page.goto(server.address);
    await expect(page).toHaveURL(/^[^?]*$/);
    await page.getByRole("button", { name: "New", exact: true }).first().click();
    const form = page.getByRole("dialog");
    await form.getByLabel("CTI Flow Name").fill("Voice screen pop");
    await form.getByLabel("CTI Adapter").fill("ACLightningAdapter");
    await form.getByLabel("Source").selectOption({ label: "Amazon Connect Voice Contact" });
    await form.getByLabel("Event").selectOption("onConnecting");
    await form.getByRole("button", { name: "Save" }).click();
  });

  await test.step("the next page has the section CTI Flow, with the stage and its Main Menu", async () => {
    await expect(page.getByRole("heading", { name: "Voice screen pop" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "CTI Flow", exact: true })).toBeVisible();
    await page.locator(".stage").scrollIntoViewIfNeeded();
    await expect(page.getByRole("heading", { name: "Main Menu" })).toBeVisible();
  });

  await test.step("dropping a CTI Block opens the Explorer; searching Phone finds the action", async () => {
    await drag(page, "block", 0.4, 0.3);
    const explorer = page.getByRole("dialog", { name: "Explorer" });
    await explorer.getByPlaceholder("Name, alias, type or call").fill("Phone");
    await explorer.getByRole("button", { name: "Select Get Customer Phone Number" }).click();
  });

  await test.step("the block is on the stage and the sidebar tells its return values", async () => {
    await expect(node(page, "uid-0")).toContainText("Get Customer Phone Number");
    const results = page.getByRole("region", { name: "Return Values" });
    await expect(results.getByRole("cell", { name: "phone", exact: true })).toBeVisible();
    await expect(results.getByRole("cell", { name: "country", exact: true })).toBeVisible();
    await expect(page.getByRole("region", { name: "Arguments" })).toHaveCount(0);
  });

  await test.step("closing the Explorer without a choice leaves nothing behind", async () => {
    await page.locator(".stage .react-flow__pane").click({ position: { x: 60, y: 260 } });
    await drag(page, "block", 0.6, 0.7);
    await page.getByRole("dialog", { name: "Explorer" }).getByRole("button", { name: "Close", exact: true }).click();
    await expect(page.locator(".react-flow__node")).toHaveCount(1);
  });

  await test.step("another block: Search and Screenpop", async () => {
    await drag(page, "block", 0.62, 0.72);
    const explorer = page.getByRole("dialog", { name: "Explorer" });
    await explorer.getByPlaceholder("Name, alias, type or call").fill("Search and Screenpop");
    await explorer.getByRole("button", { name: "Select Search And Screenpop" }).click();
    await expect(node(page, "uid-1")).toContainText("Search And Screenpop");
  });

  await test.step("a click on the green socket draws a blue line, a click on the pink one joins", async () => {
    await socket(page, "uid-0", "done").click();
    const target = await socket(page, "uid-1", "in").boundingBox();
    await page.mouse.move((target?.x ?? 0) - 60, (target?.y ?? 0) - 60);
    await expect(page.locator(".drawn-line path")).toBeVisible();
    await socket(page, "uid-1", "in").click();
    await expect(page.locator(".drawn-line")).toHaveCount(0);
    await expect(line(page, "uid-0:done")).toBeVisible();
    await expect(socket(page, "uid-0", "done")).toHaveClass(/joined/);
    await expect(socket(page, "uid-1", "in")).toHaveClass(/joined/);
  });

  await test.step("what may not be joined is refused, with the reason", async () => {
    await socket(page, "uid-1", "success").click();
    await socket(page, "uid-1", "in").click();
    await expect(page.getByText("A block cannot be connected to itself.")).toBeVisible();
    await page.keyboard.press("Escape");
    await socket(page, "uid-0", "in").click();
    await socket(page, "uid-1", "in").click();
    await expect(page.getByText("Two inputs cannot be connected.")).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.locator(".react-flow__edge")).toHaveCount(1);
  });

  await test.step("a double click on the line removes it, and it can be drawn again by dragging", async () => {
    const path = line(page, "uid-0:done").locator(".react-flow__edge-interaction");
    const middle = await path.evaluate((element) => {
      const wire = element as unknown as SVGPathElement;
      const at = wire.getPointAtLength(wire.getTotalLength() * 0.3).matrixTransform(wire.getScreenCTM() ?? undefined);
      return { x: at.x, y: at.y };
    });
    await page.mouse.dblclick(middle.x, middle.y);
    await expect(page.locator(".react-flow__edge")).toHaveCount(0);
    await socket(page, "uid-0", "done").dragTo(socket(page, "uid-1", "in"));
    await expect(line(page, "uid-0:done")).toBeVisible();
  });

  await test.step("the phone of the first action becomes the argument of the second", async () => {
    await node(page, "uid-1").click();
    await page.getByLabel(/^Search text/).click();
    const list = page.getByRole("listbox");
    await expect(list.getByText("GET CUSTOMER PHONE NUMBER (UID-0)")).toBeVisible();
    const group = list.getByRole("group", { name: "Get Customer Phone Number (uid-0)" });
    await expect(group.getByRole("option")).toHaveText(["phone", "country"]);
    await group.getByRole("option", { name: "phone" }).click();
    await expect(page.locator(".chip")).toContainText("ValueOf Get Customer Phone Number -> phone");
  });

  await test.step("a value of one's own is taken by Add New Value", async () => {
    const query = page.getByLabel(/^Query parameters/);
    await query.fill("source=cti");
    await page.getByRole("option", { name: /Add New Value/ }).click();
    await expect(query).toHaveValue("source=cti");
    await query.fill("");
    await query.press("Tab");
  });

  await test.step("callType is inbound", async () => {
    const type = page.getByLabel(/^Call type/);
    await type.click();
    await page.getByRole("option", { name: "inbound", exact: true }).click();
    await expect(type).toHaveValue("inbound");
  });

  await test.step("Start and End are added, and everything is joined", async () => {
    await page.locator(".stage .react-flow__pane").click({ position: { x: 60, y: 300 } });
    await drag(page, "SE_Start", 0.12, 0.3);
    await expect(node(page, "uid-2")).toContainText("Start");
    await page.locator(".stage .react-flow__pane").click({ position: { x: 60, y: 300 } });
    await expect(page.locator('[data-item="SE_Start"]')).toHaveCount(0);
    await drag(page, "SE_End", 0.93, 0.25);
    await expect(node(page, "uid-3")).toContainText("End");
    await socket(page, "uid-2", "done").click();
    await socket(page, "uid-0", "in").click();
    await socket(page, "uid-1", "success").click();
    await socket(page, "uid-3", "in").click();
    await socket(page, "uid-1", "failure").click();
    await socket(page, "uid-3", "in").click();
    await expect(page.locator(".react-flow__edge")).toHaveCount(4);
  });

  await test.step("Save in the sidebar, then activate", async () => {
    await page.getByRole("complementary", { name: "Sidebar" }).getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Saved as version 2")).toBeVisible();
    const flow = await kept(server);
    expect(flow.document.actions.find((action) => action.id === "uid-1")).toMatchObject({
      controls: { searchParams: "$.actions.uid-0.results.phone", queryParams: "", callType: "inbound", deferred: false, defaultFieldValues: {} },
      ports: { success: "uid-3", failure: "uid-3" },
    });
    await page.getByRole("button", { name: "Activate" }).click();
    await expect(page.getByText("Version 2 is active")).toBeVisible();
  });

  await test.step("a call from a contact's number opens that contact in a tab", async () => {
    await page.getByRole("link", { name: "Agent desktop" }).click();
    const bar = page.getByRole("form", { name: "Simulated contact" });
    await bar.getByLabel("Number").fill("+12065550102");
    await bar.getByRole("button", { name: "Call" }).last().click();
    const log = page.getByRole("list", { name: "Event log" });
    await expect(log.locator('[data-event="onConnecting"]')).toContainText("waits");
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByRole("tab", { name: contact?.name ?? "" })).toHaveAttribute("aria-selected", "true");
    await expect(page.locator(`[data-record="${contact?.id}"]`)).toBeVisible();
    await expect(log.locator('[data-event="onConnecting"]')).toContainText("Run: Completed");
    await expect(log.locator('[data-event="onRoutable"]')).toContainText(/no flow/i);
  });

  await test.step("a second call goes to the same tab", async () => {
    await page.getByRole("tab", { name: "Home" }).click();
    await page.getByRole("form", { name: "Simulated contact" }).getByRole("button", { name: "Call" }).last().click();
    await expect(page.getByRole("tab", { name: contact?.name ?? "" })).toHaveAttribute("aria-selected", "true");
    await expect(page.getByRole("tablist", { name: "Open records" }).getByRole("tab")).toHaveCount(2);
  });

  await test.step("the log leads to the run on the stage", async () => {
    await page.getByRole("link", { name: "Run: Completed" }).first().click();
    await expect(page.locator(".react-flow__edge-path.taken")).toHaveCount(3);
    await node(page, "uid-1").click();
    await expect(page.getByRole("region", { name: "In this run" })).toContainText("+12065550102");
  });
});
