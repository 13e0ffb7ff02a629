import { expect, expectNoViolations, FIELDS, node, POP, test } from "./fixtures";

test("the token is asked for, refused and taken", async ({ page, server }) => {
  await page.goto(server.origin);
  await expect(page.getByRole("heading", { name: "This page needs its token" })).toBeVisible();
  await expectNoViolations(page, "token");
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert")).toContainText("refused");
  await page.getByLabel("Token").fill(server.token);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "CTI Flows" })).toBeVisible();
});

for (const scheme of ["light", "dark"] as const) {
  test(`no page violates what axe checks, ${scheme}`, async ({ page, server }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.goto(server.address);
    await expect(page.getByText("No flows yet")).toBeVisible();
    await expectNoViolations(page, "empty list");
    const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, document: POP });
    await server.call("POST", `/flows/${flow.id}/activate`, { version: 1 });
    await page.reload();
    await expect(page.getByRole("link", { name: "Screen pop" })).toBeVisible();
    await expectNoViolations(page, "list");
    await page.getByRole("button", { name: "New", exact: true }).first().click();
    await expectNoViolations(page, "form");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Templates" }).first().click();
    await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
    await expectNoViolations(page, "templates");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Screen pop" }).click();
    await expect(node(page, "uid-2")).toBeVisible();
    await expectNoViolations(page, "record");
    await page.goto(`${server.origin}/#/flows/${flow.id}/editor`);
    await node(page, "uid-2").click();
    await expectNoViolations(page, "detail menu");
    for (const panel of ["Problems", "Test run", "Versions", "Outline", "Code"]) {
      await page.getByRole("button", { name: panel, exact: false }).first().click();
      await expect(page.getByRole("tabpanel", { name: panel })).toBeVisible();
      await expectNoViolations(page, panel);
      await page.getByRole("button", { name: "Close the panel" }).click();
    }
    await page.getByRole("button", { name: "Change type" }).click();
    await expectNoViolations(page, "explorer");
    await page.keyboard.press("Escape");
    await page.goto(`${server.origin}/#/desktop`);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("form", { name: "Simulated contact" }).getByRole("button", { name: "Call" }).last().click();
    await expect(page.getByRole("tablist", { name: "Open records" }).getByRole("tab")).toHaveCount(2);
    await page.getByRole("button", { name: "Open the overlay" }).click();
    await expectNoViolations(page, "desktop");
  });
}

test("every source and event can be raised, and the log says what became of it", async ({ page, server }) => {
  await page.goto(`${server.address}#/desktop`);
  await page.getByRole("button", { name: "Log in" }).click();
  const { sources } = await server.call<{ sources: { id: string; events: { name: string }[] }[] }>("GET", "/catalogue");
  const log = page.getByRole("list", { name: "Event log" });
  for (const source of sources) {
    const event = source.events.at(-1)?.name ?? "";
    await page.getByRole("button", { name: "Raise any event" }).click();
    const dialog = page.getByRole("dialog", { name: "Raise any event" });
    await dialog.getByLabel("Source").selectOption(source.id);
    await dialog.getByLabel("Event", { exact: true }).selectOption(event);
    await dialog.getByRole("button", { name: "Raise" }).click();
    await expect(log.locator("li").first()).toContainText(event);
    await expect(log.locator("li").first()).toContainText("no flow");
  }
});

test("a CTI Action with a form runs its flow and the overlay shows its data", async ({ page, server }) => {
  const document = {
    actions: [
      { id: "uid-0", type: "SE_Start", meta: {}, controls: {}, ports: { done: "uid-1" }, position: [0, 0] },
      { id: "uid-1", type: "SE_SendDataToOverlay", meta: {}, controls: { value: { Reason: "$.payload.reason", Team: "$.payload.team" } }, ports: { done: "uid-2" }, position: [200, 0] },
      { id: "uid-2", type: "SE_End", meta: {}, controls: {}, ports: {}, position: [540, 0] },
    ],
  };
  await server.call("POST", "/flows", { ...FIELDS, name: "Note a reason", source: "ctiAction", event: "onExecute", document });
  await page.goto(`${server.address}#/desktop`);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Open the overlay" }).click();
  await page.getByRole("tab", { name: "Actions" }).click();
  await page.getByRole("button", { name: "New action" }).click();
  const editor = page.getByRole("dialog", { name: "New CTI Action" });
  await editor.getByLabel("Name").fill("Call reason");
  await editor.getByLabel("CTI Flow").selectOption({ label: "Note a reason" });
  await editor.getByRole("button", { name: "Next" }).click();
  await editor.getByRole("button", { name: "Add a value" }).click();
  await editor.getByLabel("Key 1", { exact: true }).fill("team");
  await editor.getByLabel("Value 1", { exact: true }).fill("Service");
  await editor.getByRole("button", { name: "Next" }).click();
  await editor.getByRole("button", { name: "Add a field" }).click();
  await editor.getByLabel("Field 1, label").fill("Reason");
  await editor.getByLabel("Field 1, name").fill("reason");
  await editor.getByLabel("required").check();
  await editor.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Call reason", exact: true }).click();
  await page.getByRole("button", { name: "Submit" }).click();
  await expect(page.getByText("Fill in this field")).toBeVisible();
  await page.getByLabel(/^Reason/).fill("Late delivery");
  await page.getByRole("button", { name: "Submit" }).click();
  await expect(page.getByRole("tabpanel", { name: "Data" })).toContainText("Late delivery");
  await expect(page.getByRole("tabpanel", { name: "Data" })).toContainText("Service");
});

test("contacts of every kind ring beside each other, and each can be taken", async ({ page, server }) => {
  await page.goto(`${server.address}#/desktop`);
  await page.getByRole("button", { name: "Log in" }).click();
  const bar = page.getByRole("form", { name: "Simulated contact" });
  for (const kind of ["Callback", "Chat", "Task", "Call"]) {
    await bar.getByRole("button", { name: kind, exact: true }).first().click();
    await bar.locator("button[type=submit]").click();
  }
  const accept = page.getByRole("complementary", { name: "Phone" }).getByRole("button", { name: "Accept" });
  await expect(accept).toHaveCount(4);
  for (let left = 4; left > 0; left -= 1) {
    await accept.last().click();
    await expect(accept).toHaveCount(left - 1);
  }
});
