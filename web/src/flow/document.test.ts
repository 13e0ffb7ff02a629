import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readCatalogue } from "./catalogue.fixture";
import { keepsValue, parseJson } from "../api/lossless";
import type { FlowDocument } from "../api/types";
import { Catalogue, defaultControls, findBlocks } from "./catalogue";
import { copyText, readCopied } from "./clipboard";
import { argumentChanges, canonical, compare, compareText } from "./diff";
import * as edit from "./document";
import { asResultReference, brokenReason, parseExpression, rewriteReferences, upstream } from "./expression";
import { begin, record, redo, seal, undo } from "./history";
import { judge } from "./rules";
import { searchFlow } from "./search";
import { neighbour, readingOrder } from "./walk";

const catalogue = new Catalogue(readCatalogue());

function block(type: string) {
  const found = catalogue.block(type);
  if (!found) throw new Error(`the catalogue has no ${type}`);
  return found;
}

/** Start → phone → search → End, with the phone read by the search. */
function sample(): FlowDocument {
  return {
    kept: { deep: [1, { "x-y": null }] },
    actions: [
      { id: "uid-0", type: "SE_Start", meta: {}, controls: {}, ports: { done: "uid-2" }, position: [-450.5, -249] },
      { id: "uid-2", type: "SE_ContactCustomerPhoneNumber", meta: { other: 1 }, controls: {}, ports: { done: "uid-4" }, position: [0, 0] },
      {
        id: "uid-4",
        type: "SE_SFSearchAndScreenpop",
        meta: {},
        controls: { searchParams: "$.actions.uid-2.results.phone", defaultFieldValues: { Phone: "$.actions.uid-2.results.phone", a: "b" }, callType: "inbound" },
        ports: { success: "uid-5", failure: "uid-5" },
        position: [336, 0],
      },
      { id: "uid-5", type: "SE_End", meta: {}, controls: {}, ports: {}, position: [700, 0] },
    ],
  };
}

describe("the document", () => {
  it("keeps untouched actions, keys and order by identity", () => {
    const before = sample();
    const after = edit.setControl(before, "uid-4", "callType", "outbound");
    expect(after["kept"]).toBe(before["kept"]);
    expect(after.actions[0]).toBe(before.actions[0]);
    expect(Object.keys(after.actions[2] ?? {})).toEqual(["id", "type", "meta", "controls", "ports", "position"]);
    expect(JSON.stringify(edit.setControl(after, "uid-4", "callType", "inbound"))).toBe(JSON.stringify(before));
  });

  it("writes what it read, number for number, where the engine can", () => {
    const text = '{"actions":[{"id":"a","type":"SE_X","position":[-450.5,-249]}]}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
    expect(keepsValue(-249, "-249.0")).toBe(true);
    expect(keepsValue(1e21, "1e21")).toBe(true);
    expect(keepsValue(Number("12345678901234567890"), "12345678901234567890")).toBe(false);
    expect(keepsValue(0.1, "0.10")).toBe(true);
  });

  it("counts new ids from the content, damaged ones included", () => {
    const doc: FlowDocument = { actions: [{ id: "uid-NaN", type: "SE_Log" }, { id: "uid7", type: "SE_Log" }, { id: "4", type: "SE_Log" }] };
    expect(edit.nextId(doc)).toBe("uid-8");
    expect(edit.nextId(edit.emptyDocument())).toBe("uid-0");
    const dangling: FlowDocument = { actions: [{ id: "uid-1", type: "SE_Log", controls: { message: "$.actions.uid-9.results.value" } }] };
    expect(edit.nextId(dangling)).toBe("uid-10");
  });

  it("heals the path around a removed block with one way in and one out", () => {
    const healed = edit.removeActions(sample(), new Set(["uid-2"]));
    expect(edit.actionOf(healed, "uid-0")?.ports).toEqual({ done: "uid-4" });
    const cut = edit.removeActions(sample(), new Set(["uid-5"]));
    expect(edit.actionOf(cut, "uid-4")?.ports).toEqual({});
  });

  it("keeps id, position and fitting lines when the type changes", () => {
    const changed = edit.changeType(sample(), "uid-4", block("SE_CoreTruthy"), block("SE_SFSearchAndScreenpop"));
    const action = edit.actionOf(changed, "uid-4");
    expect(action?.position).toEqual([336, 0]);
    expect(action?.ports).toEqual({ true: "uid-5", false: "uid-5" });
  });

  it("threads a new block into a line", () => {
    const { doc, id } = edit.insertOnLine(sample(), { from: "uid-2", port: "done", to: "uid-4" }, block("SE_Log"), [100, 50]);
    expect(id).toBe("uid-6");
    expect(edit.actionOf(doc, "uid-2")?.ports).toEqual({ done: "uid-6" });
    expect(edit.actionOf(doc, "uid-6")?.ports).toEqual({ done: "uid-4" });
  });

  it("pastes copies whose inner references follow them", () => {
    const actions = readCopied(copyText(sample(), new Set(["uid-2", "uid-4"]))) ?? [];
    const { doc, ids } = edit.paste(sample(), actions, [32, 32]);
    expect(ids).toEqual(["uid-6", "uid-7"]);
    expect(edit.actionOf(doc, "uid-7")?.controls?.["searchParams"]).toBe("$.actions.uid-6.results.phone");
    expect(edit.actionOf(doc, "uid-6")?.ports).toEqual({ done: "uid-7" });
    expect(edit.actionOf(doc, "uid-7")?.ports).toEqual({});
    const again = edit.paste(doc, sample().actions, [0, 0]);
    expect(again.doc.actions.filter((a) => a.type === edit.START)).toHaveLength(1);
  });

  it("reads only flows as flows", () => {
    for (const wrong of [null, 3, [], {}, { actions: {} }, { actions: [{ id: 4, type: "x" }] }]) expect(edit.asDocument(wrong)).toBeNull();
    expect(edit.asDocument(sample())).not.toBeNull();
  });
});

describe("joining sockets", () => {
  const verdict = (a: [string, string | null], b: [string, string | null]) => judge(sample(), catalogue, { id: a[0], port: a[1] }, { id: b[0], port: b[1] });

  it("takes either end first", () => {
    expect(verdict(["uid-5", null], ["uid-2", "done"])).toMatchObject({ ok: true, from: "uid-2", to: "uid-5", replaces: "uid-4" });
    expect(verdict(["uid-2", "done"], ["uid-4", null])).toMatchObject({ ok: true, replaces: null });
  });

  it.each([
    [["uid-4", "success"], ["uid-4", null], "self"],
    [["uid-4", null], ["uid-2", null], "twoInputs"],
    [["uid-4", "success"], ["uid-2", "done"], "twoOutputs"],
    [["uid-4", "success"], ["uid-0", null], "intoStart"],
    [["uid-4", "done"], ["uid-5", null], "unknown"],
  ] as [[string, string | null], [string, string | null], string][])("refuses %j to %j", (a, b, why) => {
    expect(verdict(a, b)).toEqual({ ok: false, why });
  });
});

describe("expressions", () => {
  it("reads the steps real files use", () => {
    expect(parseExpression("$.actions.uid-5.results.value.[0].CustomField__c")).toEqual(["actions", "uid-5", "results", "value", "0", "CustomField__c"]);
    expect(parseExpression("$['odd key'].x")).toEqual(["odd key", "x"]);
    for (const text of ["$5 off", "$", "$.a b", "$12.results", "x$.a"]) expect(parseExpression(text)).toBeNull();
  });

  it("rewrites references only, wherever they stand", () => {
    const value = { a: "$.actions.uid-1.results.x", b: ["$.actions.uid-11.results.x", "uid-1"], c: "$.payload.uid-1" };
    expect(rewriteReferences(value, (id) => (id === "uid-1" ? "uid-9" : id))).toEqual({ a: "$.actions.uid-9.results.x", b: ["$.actions.uid-11.results.x", "uid-1"], c: "$.payload.uid-1" });
  });

  it("knows who is upstream and which references are broken", () => {
    expect(upstream(sample(), "uid-4").map((a) => a.id)).toEqual(["uid-2", "uid-0"]);
    expect(brokenReason(sample(), "uid-4", "$.actions.uid-2.results.phone")).toBeNull();
    expect(brokenReason(sample(), "uid-4", "$.actions.uid12.results.phone")).toBe("missing");
    expect(brokenReason(sample(), "uid-2", "$.actions.uid-4.results.id")).toBe("notUpstream");
    expect(asResultReference("$.contact.phone")).toBeNull();
  });
});

describe("history", () => {
  it("undoes a group in one step and redoes it", () => {
    let history = begin(0);
    history = record(history, 1, "type", "field");
    history = record(history, 2, "type", "field");
    history = record(seal(history), 3, "type", "field");
    expect(undo(history).present).toBe(2);
    expect(undo(undo(history)).present).toBe(0);
    expect(redo(undo(history)).present).toBe(3);
    expect(record(undo(history), 9, "new").future).toEqual([]);
  });
});

describe("differences", () => {
  it("tells a moved block from a changed one", () => {
    const before = sample();
    let after = edit.moveActions(before, new Map([["uid-2", [16, 16]]]));
    after = edit.setControl(after, "uid-4", "callType", "internal");
    after = edit.addAction(after, block("SE_Log"), [0, 0]).doc;
    after = edit.removeActions(after, new Set(["uid-5"]));
    const changes = Object.fromEntries(compare(before, after));
    expect(changes).toMatchObject({ "uid-0": "same", "uid-2": "moved", "uid-4": "changed", "uid-5": "removed" });
    expect(Object.values(changes)).toContain("added");
    const [a, b] = [edit.actionOf(before, "uid-4"), edit.actionOf(after, "uid-4")];
    expect(a && b && argumentChanges(a, b).map((row) => row.name)).toEqual(["callType", "→ success", "→ failure"]);
  });

  it("does not mind the order of keys or open ports written as null", () => {
    expect(canonical({ a: 1, ports: { done: null } })).toBe(canonical({ ports: {}, a: 1 }));
  });

  it("shows added and removed lines of text", () => {
    expect(compareText("a\nb\nc", "a\nx\nc").map((line) => line.kind)).toEqual(["same", "removed", "added", "same"]);
    expect(compareText("a", "a")).toEqual([{ kind: "same", text: "a" }]);
  });
});

describe("the catalogue", () => {
  it("finds the walk-through's blocks first", () => {
    const find = (text: string) => findBlocks(catalogue, { text, categories: [], tags: [], source: "voiceContact", favourites: [], recent: [] });
    expect(find("Phone").slice(0, 12).map((b) => b.title)).toContain("Get Customer Phone Number");
    expect(find("search and screenpop")[0]?.type).toBe("SE_SFSearchAndScreenpop");
    expect(find("SE_CoreTruthy")[0]?.title).toBe("Is Truthy?");
    expect(find("no such block anywhere")).toEqual([]);
  });

  it("gives a new block every argument with its default", () => {
    expect(defaultControls(block("SE_SFSearchAndScreenpop"))).toMatchObject({ searchParams: "", defaultFieldValues: {}, deferred: false });
  });
});

describe("reading order and search", () => {
  it("walks from Start along the good way", () => {
    expect(readingOrder(sample()).map((a) => a.id)).toEqual(["uid-0", "uid-2", "uid-4", "uid-5"]);
    expect(neighbour(sample(), "uid-2", "right")?.id).toBe("uid-4");
    expect(neighbour(sample(), "uid-0", "left")).toBeNull();
  });

  it("searches titles, values and uses", () => {
    expect(searchFlow(sample(), catalogue, "inbound")[0]).toMatchObject({ id: "uid-4", where: "callType" });
    expect(searchFlow(sample(), catalogue, "uses:uid-2").map((hit) => hit.where)).toEqual(["searchParams", "defaultFieldValues"]);
    expect(searchFlow(sample(), catalogue, "  ")).toEqual([]);
    const note = { id: "note-1", text: "Ask Grace", position: [0, 0] as [number, number] };
    expect(searchFlow(sample(), catalogue, "grace", [note])).toEqual([{ id: "note-1", where: "note", excerpt: "Ask Grace" }]);
  });
});

const shared = process.env.SHARED_DIR ?? resolve(import.meta.dirname, "../../../../shared");
const flows = `${shared}/flows`;

describe("published flows", () => {
  if (!existsSync(flows)) console.warn(`SKIPPED: no published flows at ${flows}`);
  it.skipIf(!existsSync(flows))("go through load, undo and save without a difference", () => {
    for (const name of readdirSync(flows).filter((file) => file.endsWith(".json"))) {
      const text = readFileSync(`${flows}/${name}`, "utf8");
      const doc = edit.asDocument(parseJson(text));
      expect(doc, name).not.toBeNull();
      if (!doc) continue;
      const [first] = doc.actions;
      let history = begin(doc);
      history = record(history, edit.moveActions(doc, new Map([[first?.id ?? "", [1, 1]]])), "move");
      expect(JSON.stringify(undo(history).present), name).toBe(JSON.stringify(JSON.parse(text)));
    }
  });
});
