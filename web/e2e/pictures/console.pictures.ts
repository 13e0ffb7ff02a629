import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "../fixtures";
import type { LocalServer } from "../server";

const FOLDER = process.env.PICTURES ?? resolve(import.meta.dirname, "../../../docs/images");
/** Pages whose pictures the README shows; with PICTURES set, all of them are taken. */
const SHOWN = ["overview", "timeline", "letter", "org"];

const contact = (n: number): string => `${String(n).padStart(8, "0")}-5a1e-4c3b-9d2f-7e6a5b4c3d2e`;

async function invoke(server: LocalServer, n: number, parameters: Record<string, string>): Promise<Record<string, unknown>> {
  const event = { Details: { ContactData: { ContactId: contact(n), InitialContactId: contact(n) }, Parameters: parameters } };
  const url = `${server.origin}/2015-03-31/functions/sfInvokeAPI/invocations`;
  return (await (await fetch(url, { method: "POST", body: JSON.stringify(event) })).json()) as Record<string, unknown>;
}

/** A busy night: reads and writes of many callers, some refused, some waiting, one mended. */
async function night(server: LocalServer): Promise<void> {
  const create = { sf_operation: "create", sf_object: "Case", Origin: "Phone", tl_mode: "queue" };
  for (let n = 1; n <= 40; n += 1) {
    await invoke(server, n, { sf_operation: "phoneLookup", sf_phone: `+1206555010${n % 4}`, sf_fields: "Id, Name" });
    await invoke(server, n, { ...create, Subject: `Delivery ${n} is late`, tl_ref: "case" });
  }
  const seven = { sf_operation: "update", sf_object: "Case", sf_id: "@{case.Id}", Status: "Working", tl_mode: "queue" };
  await invoke(server, 7, seven);
  await invoke(server, 7, { sf_operation: "create", sf_object: "Task", Subject: "Call back", WhatId: "@{case.Id}", NoSuchField__c: "x", tl_mode: "queue" });
  for (let n = 41; n <= 49; n += 1) await invoke(server, n, { ...create, Subject: "Refund", Urgency__c: "high" });
  for (let n = 50; n <= 53; n += 1) await invoke(server, n, { sf_operation: "create", sf_object: "Task", CallRating__c: "5", Subject: "Survey", tl_mode: "queue" });
  await invoke(server, 54, { sf_operation: "update", sf_object: "Contact", sf_id: "003000000000000AAA", Phone: "+12065550199", tl_mode: "queue" });
  for (let tries = 0; tries < 100; tries += 1) {
    const { queue } = await server.call<{ queue: { waiting: number; inFlight: number } }>("GET", "/overview");
    if (queue.waiting + queue.inFlight === 0) break;
    await new Promise((next) => setTimeout(next, 100));
  }
}

for (const scheme of ["light", "dark"] as const) {
  test(`pictures of operations, ${scheme}`, async ({ page, server }) => {
    test.setTimeout(240_000);
    mkdirSync(FOLDER, { recursive: true });
    const shot = async (name: string): Promise<void> => {
      if (process.env.PICTURES || SHOWN.includes(name)) await page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png`, animations: "disabled" });
    };
    const see = async (place: string, seen: string, name: string, change?: () => Promise<void>): Promise<void> => {
      await page.goto(`${server.origin}/#/${place}`);
      await expect(page.getByText(seen).first()).toBeVisible();
      await change?.();
      await page.evaluate(() => document.fonts.ready);
      await shot(name);
    };
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await night(server);
    const { deadLetters } = await server.call<{ deadLetters: { id: string; contact: string; operation: string }[] }>("GET", "/dead-letters");
    const wrong = deadLetters.find((letter) => letter.operation === "update");
    const { records } = await server.call<{ records: { id: string }[] }>("GET", "/records/search?q=Example");
    const gone = deadLetters.find((letter) => letter.operation === "create" && letter.contact !== contact(7));
    await server.call("POST", "/dead-letters/discard", { items: [gone], reason: "The caller rang again and it was entered by hand" });
    await page.goto(server.address);
    // Two samples make a line; a few more make a picture.
    for (let n = 60; n < 66; n += 1) {
      for (let more = 0; more < n - 55; more += 1) await invoke(server, n, { sf_operation: "create", sf_object: "Case", Subject: `Question ${more}`, tl_mode: "queue", tl_key: String(more) });
      await new Promise((next) => setTimeout(next, 10_000));
    }
    await server.call("POST", "/worker/pause");
    for (let n = 70; n < 90; n += 1) await invoke(server, n, { sf_operation: "create", sf_object: "Case", Subject: "Question", tl_mode: "queue" });
    await page.goto(`${server.origin}/#/overview`);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    await see("overview", "The worker is paused", "overview");
    await see("writes", "Queued", "writes");
    await server.call("POST", "/worker/resume");
    await see(`contacts/${contact(7)}`, "Open the dead letter", "timeline");
    await see("contacts", "Which contact?", "contacts");
    await see("dead-letters", "Select all shown", "dead-letters");
    await see(`dead-letters/${wrong?.contact}/${wrong?.id}`, "Fields of the write", "letter", () => page.getByLabel("Record", { exact: true }).fill(records[0]?.id ?? ""));
    await see("history", "discarded", "history");
    await see("cache", "Forget a record", "cache");
    await see("settings", "SF_HOST", "settings");
    await see("doctor?objects=Case,Contact,Survey__c", "object Case", "doctor");
    await server.call("POST", "/org/faults", { do: "lock" });
    await invoke(server, 91, { sf_operation: "create", sf_object: "Case", Subject: "Question", tl_mode: "queue" });
    await see("org", "struck", "org");
    await server.call("DELETE", "/org/faults");
  });
}
