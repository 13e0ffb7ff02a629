import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, FIELDS, node, POP, test } from "../fixtures";

const FOLDER = resolve(import.meta.dirname, "../../../docs/images");

interface Offered {
  name: string;
  description: string;
  source: string;
  event: string;
  document: object;
}

for (const scheme of ["light", "dark"] as const) {
  test(`pictures, ${scheme}`, async ({ page, server }) => {
    mkdirSync(FOLDER, { recursive: true });
    const shot = (name: string) => page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png`, animations: "disabled" });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const { templates } = await server.call<{ templates: Offered[] }>("GET", "/templates");
    for (const { name, description, source, event, document } of templates.slice(0, 6)) {
      await server.call("POST", "/flows", { ...FIELDS, name, description, source, event, document });
    }
    const flow = await server.call<{ id: string }>("POST", "/flows", { ...FIELDS, name: "Voice screen pop", description: "Opens the caller’s contact while the call rings.", document: POP });
    await server.call("POST", `/flows/${flow.id}/activate`, { version: 1 });
    const event = { source: "voiceContact", name: "onConnecting", payload: {}, contact: { contactId: "c-1", phone: "+12065550142" }, agent: null };
    for (let n = 0; n < 8; n += 1) {
      const run = await server.call<{ id: string }>("POST", "/runs", { flowId: flow.id, event, mode: "live" });
      await server.call("POST", `/runs/${run.id}/complete`, { actionId: "uid-2", outcome: { kind: "success", results: {} } });
    }

    await page.goto(server.address);
    await expect(page.getByRole("link", { name: "Voice screen pop" })).toBeVisible();
    await expect(page.getByText("0 of 8")).toBeVisible();
    await page.evaluate(() => document.fonts.ready);
    await shot("flows");

    await page.goto(`${server.origin}/#/flows/${flow.id}/editor`);
    await node(page, "uid-2").click();
    await shot("editor");
    await page.getByRole("button", { name: "Change type" }).click();
    await page.getByPlaceholder("Name, alias, type or call").fill("phone");
    await shot("explorer");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Test run", exact: true }).first().click();
    const panel = page.getByRole("tabpanel", { name: "Test run" });
    await panel.getByRole("button", { name: "Run", exact: true }).click();
    await expect(panel.locator("[data-status]")).toHaveText("Completed");
    await page.getByRole("button", { name: "Show the whole flow" }).click();
    await shot("test-run");

    await page.goto(`${server.origin}/#/desktop`);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("form", { name: "Simulated contact" }).getByRole("button", { name: "Call" }).last().click();
    await expect(page.getByRole("tablist", { name: "Open records" }).getByRole("tab")).toHaveCount(2);
    await shot("desktop");
  });
}
