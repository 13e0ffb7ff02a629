import { expect, expectNoViolations, FIELDS, node, POP, test } from "./fixtures";
import type { LocalServer } from "./server";

const EVENT = { source: "voiceContact", name: "onConnecting", payload: {}, contact: { contactId: "c-1", phone: "+12065550142" }, agent: null };

async function create(server: LocalServer, fields: Partial<typeof FIELDS>, document: object = POP): Promise<string> {
  return (await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, ...fields, document })).id;
}

/** Runs the draft; the screen pop is answered where one waits. */
async function run(server: LocalServer, flowId: string, mode: "live" | "test" = "live"): Promise<string> {
  const started = await server.call<{ id: string; pending: { actionId: string } | null }>("POST", "/runs", { flowId, event: EVENT, mode });
  const { pending } = started;
  if (pending) await server.call("POST", `/runs/${started.id}/complete`, { actionId: pending.actionId, outcome: { kind: "success", results: {} } });
  return started.id;
}

test("the list says how each flow ran lately and which share an event, and is narrowed to them", async ({ page, server }) => {
  const pop = await create(server, { name: "Pop" });
  const noise = await create(server, { name: "Second pop" });
  await create(server, { name: "On connected", event: "onConnected" });
  for (const id of [pop, noise]) await server.call("POST", `/flows/${id}/activate`, { version: 1 });
  await run(server, pop);
  await run(server, pop);
  await server.call("PUT", `/flows/${pop}`, { document: { actions: [] }, baseVersion: 1 });
  await run(server, pop);
  await run(server, noise, "test");

  await page.goto(server.address);
  const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  await expect(row("Pop")).toContainText("Failed");
  await expect(row("Pop")).toContainText("33 %");
  await expect(row("Pop")).toContainText("1 of 3");
  await expect(row("Second pop")).toContainText("No run lately");
  await expect(row("Pop")).toContainText("Also active on this event: Second pop");
  await expect(row("On connected")).not.toContainText("Also active");
  await expectNoViolations(page, "list with runs");

  await page.getByRole("combobox", { name: "Event" }).selectOption("onConnected");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByRole("combobox", { name: "Source" }).selectOption("connectAgent");
  await expect(page.getByRole("combobox", { name: "Event" })).toHaveValue("");
  await page.getByRole("button", { name: "Show them" }).click();
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.reload();
  await expect(page.getByRole("row")).toHaveCount(3);

  await row("Pop").getByRole("link", { name: /Failed/ }).click();
  await expect(page.getByRole("tabpanel", { name: "Test run" }).locator("[data-status]")).toHaveText("Failed");
  await expect(node(page, "uid-1")).toHaveCount(0);
});
