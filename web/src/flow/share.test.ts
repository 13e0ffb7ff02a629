import { describe, expect, it } from "vitest";
import { parseJson } from "../api/lossless";
import type { Flow, FlowDocument, Json, Run } from "../api/types";
import { Catalogue } from "./catalogue";
import { readCatalogue } from "./catalogue.fixture";
import { mask, maskText, shareOf } from "./share";

const catalogue = new Catalogue(readCatalogue());

const SECRETS = ["Grace Example", "grace@example.com", "+12065550142", "0035e00000AbCdEAAV", "12065550142", "Blocked for 3 invoices", "8f14e45f"];

/** A value that holds this at any depth, as value or as key. */
function around(secret: string, depth: number): Json[] {
  if (depth === 0) return [secret, ...(/^\d+$/.test(secret) ? [Number(secret)] : [])];
  return around(secret, depth - 1).flatMap((inner): Json[] => [[inner], { field: inner }, { [secret]: inner }, [{ a: [inner, null, true] }]]);
}

function run(value: Json, secret: string): Run {
  const values = { input: value };
  return {
    id: "run-1", flowId: "flow-1", flowVersion: 3, status: "failed", startedAt: 0, actions: { "uid-1": { success: true, results: value } },
    pending: { actionId: "uid-2", type: "SE_Log", executor: "page", inputs: values, deadlineMs: 0 },
    event: { source: "voiceContact", name: "onConnecting", payload: values, contact: values, agent: { name: secret } },
    trace: [{ seq: 1, tMs: 5, action: "uid-1", type: "SE_Log", title: "Log", phase: "exit", inputs: values, results: value, note: `Says ${secret}`, port: "failure", next: "uid-2", unresolved: ["$.contact.name"], exception: { name: "DUPLICATE", message: `${secret} is there already` } }],
  };
}

const flow = { id: "flow-1", name: "Pop", source: "voiceContact", event: "onConnecting", description: SECRETS[0], author: SECRETS[0], draftVersion: 3, notes: [{ id: "n", text: SECRETS[0], position: [0, 0] }] } as unknown as Flow;

describe("a share", () => {
  it("tells no value of a run, at any depth and in any place, and no text of a block", () => {
    for (const secret of SECRETS) {
      for (const value of [0, 1, 2].flatMap((depth) => around(secret, depth))) {
        const doc: FlowDocument = {
          author: secret,
          actions: [{ id: "uid-1", type: "SE_Log", meta: { comment: secret }, controls: { message: value, map: { [secret]: value } }, ports: { done: "uid-2" }, position: [0, 0], extra: secret }],
        };
        const told = JSON.stringify(shareOf({ flow, doc, run: run(value, secret), saved: true, texts: false }, catalogue));
        expect(told).not.toContain(secret);
        expect(told).toContain("$.contact.name");
      }
    }
  });

  it("keeps what says how the flow is built and which way it took", () => {
    const doc: FlowDocument = {
      actions: [{ id: "uid-2", type: "SE_SFSearchAndScreenpop", meta: { title: "Pop" }, controls: { searchParams: "$.actions.uid-1.results.phone", callType: "inbound", queryParams: "a=b" }, ports: { success: "uid-3", failure: null } }],
    };
    const shared = shareOf({ flow, doc, run: run("x", "y"), saved: false, texts: false }, catalogue);
    expect(shared.flow).toEqual({ id: "flow-1", name: "Pop", source: "voiceContact", event: "onConnecting", version: 3, saved: false });
    expect(shared.blocks).toEqual([
      { id: "uid-2", type: "SE_SFSearchAndScreenpop", title: "Pop", position: null, ports: { success: "uid-3" }, arguments: { searchParams: "$.actions.uid-1.results.phone", callType: "inbound", queryParams: "‹text, 3 characters›" } },
    ]);
    expect(shared.run).toMatchObject({ status: "failed", flowVersion: 3, waitsFor: "uid-2", trace: [{ action: "uid-1", port: "failure", next: "uid-2", exception: { name: "DUPLICATE" } }] });
    expect(shareOf({ flow, doc, run: null, saved: true, texts: true }, catalogue).blocks[0]?.arguments["queryParams"]).toBe("a=b");
  });

  it("says type, length and form, and what is missing", () => {
    expect(mask({ a: null, b: "", c: " ", d: "x", e: 12.5, f: false, g: [], h: ["ab"] })).toEqual({
      a: null, b: "‹empty text›", c: "‹blank text, 1 character›", d: "‹text, 1 character›", e: "‹number, 3 digits›", f: "‹yes or no›", g: [], h: ["‹text, 2 characters›"],
    });
    expect(["+1 206 555 0142", "ada@example.com", "2026-02-01T10:00:00Z", "https://example.com/a", "0035e00000AbCdEAAV"].map(maskText)).toEqual([
      "‹phone number, 15 characters›", "‹e-mail address, 15 characters›", "‹date, 20 characters›", "‹address of a page, 21 characters›", "‹record Id, 18 characters›",
    ]);
    expect(mask({ "0035e00000AbCdEAAV": 1, "0035e00000AbCdFAAV": 2, Name: 3 })).toEqual({ "‹record Id, 18 characters›": "‹number, 1 digit›", "‹record Id, 18 characters› 2": "‹number, 1 digit›", Name: "‹number, 1 digit›" });
    expect(mask(parseJson("12345678901234567890"))).toBe("‹number, 20 digits›");
  });
});
