import { expect, expectNoViolations, test } from "./fixtures";
import type { LocalServer } from "./server";

const CONTACT = "11111111-1111-4111-8111-111111111111";

/** One call as Amazon Connect makes it; what it answers, or its error. */
async function invoke(server: LocalServer, parameters: Record<string, string>): Promise<Record<string, unknown>> {
  const contact = { ContactId: CONTACT, InitialContactId: CONTACT };
  const response = await fetch(`${server.origin}/2015-03-31/functions/sfInvokeAPI/invocations`, {
    method: "POST",
    body: JSON.stringify({ Details: { ContactData: contact, Parameters: parameters } }),
  });
  return (await response.json()) as Record<string, unknown>;
}

test("a write waits while the org is down and lands once when it is mended", async ({ page, server }) => {
  await page.goto(`${server.address}#/org`);
  await page.getByRole("button", { name: "Down (503)" }).click();
  await expect(page.getByRole("list", { name: "Rules in force" })).toContainText("status=503");
  await invoke(server, { sf_operation: "create", sf_object: "Case", Subject: "Delivery is late", tl_mode: "queue" });

  await page.goto(`${server.origin}/#/contacts`);
  await page.getByLabel("Contact id").fill(CONTACT);
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`#/contacts/${CONTACT}$`));
  const write = page.getByRole("article", { name: "create Case" });
  await expect(write).toContainText("Waits to retry");

  await page.goto(`${server.origin}/#/org`);
  await page.getByRole("button", { name: "Everything works" }).click();
  await expect(page.getByText("None: everything works.")).toBeVisible();
  await page.goto(`${server.origin}/#/contacts/${CONTACT}`);
  await expect(write).toContainText("Succeeded", { timeout: 45_000 });
  const journal = await server.call<{ entries: { object: string }[] }>("GET", "/org/journal");
  expect(journal.entries.filter((entry) => entry.object === "Case")).toHaveLength(1);
  await page.goto(`${server.origin}/#/org`);
  await expect(page.getByRole("region", { name: "Journal" }).getByRole("cell", { name: "Case", exact: true })).toHaveCount(1);
});

test("the overview and the list of what waits say why writes are late", async ({ page, server }) => {
  await server.call("POST", "/org/faults", { do: "status=503" });
  await invoke(server, { sf_operation: "create", sf_object: "Case", Subject: "Delivery is late", tl_mode: "queue" });
  await page.goto(`${server.address}#/overview`);
  const needs = page.getByRole("list", { name: "What needs a person" });
  await expect(needs).toContainText("Salesforce carries out no calls: SERVER_UNAVAILABLE. 1 write waits, and is not lost. Tried again at");
  await expectNoViolations(page, "halted");
  await needs.getByRole("link", { name: "See what waits" }).click();
  await expect(page.getByText("Salesforce carries out no calls")).toBeVisible();
  await server.call("DELETE", "/org/faults");
  await expect(page.getByText("Nothing waits", { exact: true })).toBeVisible({ timeout: 45_000 });
  await expect(page.getByText("Salesforce carries out no calls")).toHaveCount(0);
  await page.goto(`${server.origin}/#/overview`);
  await expect(page.getByText("Nothing needs a person.")).toBeVisible();
});

test("without its state table the overview does not say that there are no dead letters", async ({ page, server }) => {
  const overview = await server.call<object>("GET", "/overview");
  const told = JSON.stringify({ ...overview, dead: null, doubt: null, troubles: ["The state table does not answer: throttled."] });
  await page.route("**/api/events", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: "{}" }));
  await page.route("**/api/overview", (route) => route.fulfill({ contentType: "application/json", body: told }));
  await page.goto(`${server.address}#/overview`);
  await expect(page.getByText("The state table does not answer: throttled.")).toBeVisible();
  await expect(page.getByText("nobody knows how many dead letters there are")).toBeVisible();
  await expect(page.getByRole("region", { name: "In doubt" })).toContainText("Cannot be told now");
  await expect(page.getByText("No dead letters")).toHaveCount(0);
});

test("the worker is paused and goes on, and the page is told of it live", async ({ page, server }) => {
  await page.goto(`${server.address}#/overview`);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Worker paused", { exact: true })).toBeVisible();
  await expect(page.getByRole("list", { name: "What needs a person" })).toContainText("The worker is paused");
  await invoke(server, { sf_operation: "create", sf_object: "Case", Subject: "Delivery is late", tl_mode: "queue" });
  const depth = page.getByRole("region", { name: "In the queue" }).locator(".value");
  await expect(depth).toHaveText("1");
  await page.getByRole("link", { name: "In the queue" }).click();
  const waiting = page.getByRole("region", { name: "Waiting" });
  await expect(waiting.getByRole("link", { name: "create Case" })).toBeVisible();
  await page.goBack();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByText("Worker running", { exact: true })).toBeVisible();
  await expect(depth).toHaveText("0");
  await expect(page.getByText("Nothing needs a person.")).toBeVisible();
  await page.goto(`${server.origin}/#/history`);
  await expect(page.getByRole("cell", { name: "resumed the worker" })).toBeVisible();
});

test("without a stream the pages ask for themselves", async ({ page, server }) => {
  await page.route("**/api/events", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: "{}" }));
  await page.goto(`${server.address}#/overview`);
  await expect(page.getByText("Every 2 s", { exact: true })).toBeVisible();
  await server.call("POST", "/worker/pause");
  await expect(page.getByText("Worker paused", { exact: true })).toBeVisible();
});

test("a rejected write is found by its cause and by its contact, mended, tried and replayed to success", async ({ page, server }) => {
  await invoke(server, { sf_operation: "create", sf_object: "Case", Subject: "Delivery is late", NoSuchField__c: "x" });
  await page.goto(`${server.address}#/overview`);
  await page.getByRole("link", { name: "Case · INVALID_FIELD" }).click();
  await expect(page).toHaveURL(/#\/dead-letters\?object=Case&code=INVALID_FIELD/);
  await expect(page.getByRole("link", { name: "create Case" })).toBeVisible();
  await page.goto(`${server.origin}/#/contacts/${CONTACT}`);
  await page.getByRole("link", { name: "Open the dead letter" }).click();
  await expect(page.getByLabel("NoSuchField__c", { exact: true })).toHaveValue("x");
  await page.getByRole("button", { name: "Take NoSuchField__c out" }).click();
  await expect(page.getByText("taken out; was x")).toBeVisible();
  await expect(page.getByRole("button", { name: "Replay" })).toBeDisabled();
  await page.getByRole("button", { name: "Save the change" }).click();
  await expect(page.getByText("Nobody has changed it.")).toHaveCount(0);
  await page.getByRole("button", { name: "Dry run" }).click();
  const results = page.getByRole("dialog");
  await expect(results.getByRole("status")).toHaveText("1 of 1");
  await expect(results.getByText("1 would be replayed")).toBeVisible();
  await expectNoViolations(page, "results");
  await results.locator(".modal-foot").getByRole("button", { name: "Close" }).click();
  expect((await server.call<{ deadLetters: unknown[] }>("GET", "/dead-letters")).deadLetters).toHaveLength(1);
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
  await expect(results.getByText("Succeeded")).toBeVisible();
  await expect(results.getByRole("status")).toHaveText("1 of 1, 1 carried out");
  await results.getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(`#/contacts/${CONTACT}\\?write=tl-`));
  await expect(page.getByRole("article", { name: "create Case" })).toContainText("Succeeded");
});

for (const scheme of ["light", "dark"] as const) {
  test(`no operations page violates what axe checks, ${scheme}`, async ({ page, server }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await invoke(server, { sf_operation: "create", sf_object: "Case", Subject: "Delivery is late" });
    await invoke(server, { sf_operation: "create", sf_object: "Case", Subject: "Delivery is late", NoSuchField__c: "x" });
    const { deadLetters } = await server.call<{ deadLetters: { id: string }[] }>("GET", "/dead-letters");
    await server.call("POST", "/org/faults", { do: "latency=1ms" });
    const places = {
      overview: "Case · INVALID_FIELD",
      contacts: "Which contact?",
      writes: "No write is in doubt",
      history: "Nobody has done anything yet",
      cache: "Forget a record",
      doctor: "object Case",
      [`contacts/${CONTACT}`]: "Succeeded",
      "dead-letters": "Select all shown",
      [`dead-letters/${CONTACT}/${deadLetters[0]?.id}`]: "Fields of the write",
      org: "latency=1ms",
      settings: "Variable",
    };
    await page.goto(server.address);
    for (const [place, seen] of Object.entries(places)) {
      await page.goto(`${server.origin}/#/${place}`);
      await expect(page.getByText(seen).first()).toBeVisible();
      await expectNoViolations(page, place);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${place.split("/").length}-${place.split("/")[0]}-${scheme}.png` });
    }
  });
}
