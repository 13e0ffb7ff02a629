import { readFileSync } from "node:fs";
import type { Download } from "@playwright/test";
import { expect, expectNoViolations, test } from "./fixtures";
import type { LocalServer } from "./server";

const CONTACT = "22222222-2222-4222-8222-222222222222";

async function refuse(server: LocalServer): Promise<void> {
  const event = { Details: { ContactData: { ContactId: CONTACT }, Parameters: { sf_operation: "create", sf_object: "Case", Subject: "=1+1, late", NoSuchField__c: "x" } } };
  await fetch(`${server.origin}/2015-03-31/functions/sfInvokeAPI/invocations`, { method: "POST", body: JSON.stringify(event) });
}

async function text(download: Download): Promise<string> {
  return readFileSync(await download.path(), "utf8");
}

test("the token is asked for, a wrong one refused, the right one accepted", async ({ page, server }) => {
  await page.goto(`${server.origin}/#/overview`);
  await expect(page.getByRole("heading", { name: "This page needs its token" })).toBeVisible();
  await expectNoViolations(page, "token");
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert")).toContainText("refused this token");
  await page.getByLabel("Token").fill(server.token);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  await expect(page.getByText("Nothing needs a person.")).toBeVisible();
  expect(page.url()).not.toContain(server.token);
});

test("a server that goes leaves the figures in sight, says so, and is found again", async ({ page, server }) => {
  await page.goto(`${server.address}#/overview`);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await server.kill();
  await expect(page.getByText("These figures are the last that came.")).toBeVisible();
  await expect(page.getByText("Offline, trying again")).toBeVisible();
  await expect(page.getByRole("region", { name: "In the queue" })).toBeVisible();
  await expectNoViolations(page, "offline");
  await server.start();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("These figures are the last that came.")).toHaveCount(0, { timeout: 40_000 });
});

test("a view waits, fails and is empty in words", async ({ page, server }) => {
  let go: () => void = () => {};
  const held = new Promise<void>((next) => (go = next));
  let answer: "wait" | "fail" | "pass" = "wait";
  await page.route("**/api/history?*", async (route) => {
    if (answer === "wait") await held;
    if (answer === "fail") {
      const problem = { title: "A part does not answer", detail: "The store does not answer: throttled.", status: 503 };
      await route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) });
    } else await route.continue();
  });
  await page.goto(`${server.address}#/history`);
  await expect(page.locator(".skeleton").first()).toBeVisible();
  await expectNoViolations(page, "loading");
  answer = "fail";
  go();
  await expect(page.getByText("The store does not answer: throttled.")).toBeVisible();
  await expectNoViolations(page, "failed");
  answer = "pass";
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("Nobody has done anything yet")).toBeVisible();
});

test("a table is saved as CSV and JSON, and no cell becomes a formula", async ({ page, server }) => {
  await refuse(server);
  await page.goto(`${server.address}#/dead-letters?code=INVALID_FIELD`);
  await expect(page.getByRole("link", { name: "create Case" })).toBeVisible();
  const [csv] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  expect(csv.suggestedFilename()).toBe("dead-letters.csv");
  const lines = (await text(csv)).trim().split("\r\n");
  expect(lines[0]).toContain("id,contact,operation,object,reason,code");
  expect(lines[1]).toContain(CONTACT);
  const [json] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "JSON" }).click()]);
  const saved = JSON.parse(await text(json)) as { payload: { fields: { Subject: string } } }[];
  expect(saved[0]?.payload.fields.Subject).toBe("=1+1, late");
});

test("a dead letter is discarded by keyboard, with a reason that the history keeps", async ({ page, server }) => {
  await refuse(server);
  await page.goto(`${server.address}#/dead-letters`);
  const box = page.getByRole("checkbox");
  await box.focus();
  await page.keyboard.press("Space");
  await expect(page.getByText("1 selected")).toBeVisible();
  await page.getByRole("button", { name: "Discard" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await page.getByRole("button", { name: "Discard" }).focus();
  await page.keyboard.press("Enter");
  await expect(dialog.getByLabel("Reason")).toBeFocused();
  await page.keyboard.type("entered by hand");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("discarded", { exact: true })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("No dead letters").first()).toBeVisible();
  await page.goto(`${server.origin}/#/history`);
  await expect(page.getByRole("cell", { name: "discarded: entered by hand" })).toBeVisible();
});

test("the doctor names what is wrong and keeps what it was asked in the address", async ({ page, server }) => {
  await page.goto(`${server.address}#/doctor`);
  await expect(page.getByText("All is well.")).toBeVisible();
  await page.getByLabel("Objects").fill("Case,Nothing__c");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/objects=Case%2CNothing__c/);
  await expect(page.getByText("1 check failed, 0 warned.")).toBeVisible();
  await expect(page.getByRole("row", { name: /Failed object Nothing__c/ })).toContainText("API name");
});

test("a write that names the wrong record is given another by its form, and dead letters are found by when they died", async ({ page, server }) => {
  const { records } = await server.call<{ records: { id: string }[] }>("GET", "/records/search?q=Example");
  const parameters = { sf_operation: "update", sf_object: "Contact", sf_id: "003000000000000AAA", Title: "Owner" };
  const event = { Details: { ContactData: { ContactId: CONTACT }, Parameters: parameters } };
  await fetch(`${server.origin}/2015-03-31/functions/sfInvokeAPI/invocations`, { method: "POST", body: JSON.stringify(event) });
  await page.goto(`${server.address}#/dead-letters`);
  await page.getByLabel("Died", { exact: true }).selectOption("Died in the last 1 h");
  await expect(page).toHaveURL(/#\/dead-letters\?last=3600000$/);
  await page.getByRole("link", { name: "update Contact" }).click();
  const record = page.getByLabel("Record", { exact: true });
  await expect(record).toHaveValue("003000000000000AAA");
  await record.fill(records[0]?.id ?? "");
  await expect(page.getByText("was 003000000000000AAA")).toBeVisible();
  await expectNoViolations(page, "a changed write");
  await page.getByRole("button", { name: "Save the change" }).click();
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
  await expect(page.getByRole("dialog").getByText("Succeeded")).toBeVisible();
});

test("a change that somebody else made first is not overwritten", async ({ page, server }) => {
  await refuse(server);
  const { deadLetters } = await server.call<{ deadLetters: { id: string; version: number }[] }>("GET", "/dead-letters");
  const [letter] = deadLetters;
  if (!letter) throw new Error("no dead letter");
  const path = `/dead-letters/${CONTACT}/${letter.id}`;
  await page.goto(`${server.address}#${path}`);
  await page.getByLabel("Subject", { exact: true }).fill("Mine");
  await expect(page.getByText("was =1+1, late")).toBeVisible();
  await server.call("PUT", path, { version: letter.version, fields: { Subject: "Theirs" } });
  await page.getByRole("button", { name: "Save the change" }).click();
  await expect(page.getByText("Somebody changed this letter meanwhile")).toBeVisible();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Mine");
  await page.getByRole("button", { name: "Load it anew" }).click();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue("Theirs");
});

test("what a record holds stays text", async ({ page, server }) => {
  const evil = '<img src=x onerror="document.title = 1">';
  const event = { Details: { ContactData: { ContactId: CONTACT }, Parameters: { sf_operation: "create", sf_object: "Case", Subject: evil, [`<b>${"x"}</b>`]: "1" } } };
  await fetch(`${server.origin}/2015-03-31/functions/sfInvokeAPI/invocations`, { method: "POST", body: JSON.stringify(event) });
  await page.goto(`${server.address}#/dead-letters`);
  await page.getByRole("link", { name: "create Case" }).click();
  await expect(page.getByLabel("Subject", { exact: true })).toHaveValue(evil);
  await page.getByText("The whole write").click();
  await expect(page.locator("pre")).toContainText("<b>x</b>");
  await expect(page.locator("main img, main b")).toHaveCount(0);
  expect(await page.title()).not.toBe("1");
});
