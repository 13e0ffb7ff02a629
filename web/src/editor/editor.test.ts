import { beforeEach, describe, expect, it, vi } from "vitest";
import { readCatalogue } from "../flow/catalogue.fixture";
import type { Flow, FlowDocument, Run } from "../api/types";
import { Catalogue } from "../flow/catalogue";
import { choicesFor } from "./choices";
import { sampleEvent } from "./samples";
import { EditorSession } from "./session";
import { viewTrace } from "./trace";

const catalogue = new Catalogue(readCatalogue());
/** What the server keeps of a flow: its newest version, which a save must name. */
let kept: Flow;

function answer(method: string, path: string, body: { baseVersion?: number; document?: FlowDocument }): Response {
  if (path === "/flows/check") return Response.json({ diagnostics: [] });
  if (path !== `/flows/${kept.id}`) return new Response(null, { status: 404 });
  if (method === "PUT") {
    if (body.baseVersion !== kept.draftVersion) return Response.json({ title: "Saved by someone else", status: 409 }, { status: 409 });
    kept = { ...kept, ...body, document: body.document ?? null, draftVersion: kept.draftVersion + 1 };
  }
  return Response.json(kept);
}

beforeEach(() => {
  const storage = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) =>
    answer(init.method ?? "GET", url.slice("/api".length), JSON.parse(typeof init.body === "string" ? init.body : "{}")),
  );
});

function create(document: FlowDocument = { actions: [] }): Flow {
  kept = {
    id: "f1", name: "Pop", adapter: "A", source: "voiceContact", event: "onConnecting", description: "", order: 1, debug: false,
    author: "Ada", problems: { errors: 0, warnings: 0 }, active: false, activeVersion: null, draftVersion: 1, updatedAt: 0, deletedAt: null, document, raw: null, notes: [],
  };
  return structuredClone(kept);
}

const block = (type: string) => catalogue.block(type) ?? expect.fail(type);

describe("an editing session", () => {
  it("builds the walk-through and undoes all of it", async () => {
    const session = new EditorSession(catalogue, create());
    const phone = session.add(block("SE_ContactCustomerPhoneNumber"), [3, 5]);
    session.store.set({ explorer: { kind: "add", at: [340, 0], from: { id: phone, port: "done" }, line: null } });
    session.choose(block("SE_SFSearchAndScreenpop"));
    const search = session.state.doc.actions[1];
    expect(session.state.doc.actions[0]).toMatchObject({ position: [0, 0], ports: { done: search?.id } });
    expect(choicesFor(session.state.doc, catalogue, search?.id ?? "", "voiceContact", "onConnecting", {})[0]).toMatchObject({
      title: "Get Customer Phone Number (uid-0)",
      choices: [{ label: "phone" }, { label: "country" }],
    });
    expect(await session.save("first")).toBe(true);
    expect(session.state).toMatchObject({ dirty: false, flow: { draftVersion: 2 } });
    session.undo();
    session.undo();
    expect(session.state.doc.actions).toEqual([]);
    session.redo();
    expect(session.state.doc.actions).toHaveLength(1);
  });

  it("keeps unsaved work through a reload", () => {
    const flow = create();
    new EditorSession(catalogue, flow).add(block("SE_Start"), [0, 0]);
    const again = new EditorSession(catalogue, flow);
    expect(again.state.doc.actions).toHaveLength(1);
    expect(again.state.restored).not.toBeNull();
    again.discardDraft();
    expect(again.state.doc.actions).toEqual([]);
    expect(new EditorSession(catalogue, flow).state.restored).toBeNull();
  });

  it("tells two authors of each other and lets either stand", async () => {
    const flow = create();
    const [one, two] = [new EditorSession(catalogue, flow), new EditorSession(catalogue, { ...flow })];
    one.add(block("SE_Start"), [0, 0]);
    await one.save();
    two.add(block("SE_End"), [0, 0]);
    expect(await two.save()).toBe(false);
    expect(two.state.conflict?.draftVersion).toBe(2);
    if (two.state.conflict) two.keepOurs(two.state.conflict);
    expect(await two.save()).toBe(true);
    expect(two.state.flow.draftVersion).toBe(3);
  });

  it("merges over the newest version, in one step of undo, with their fields", async () => {
    const session = new EditorSession(catalogue, create());
    const mine = session.add(block("SE_Start"), [0, 0]);
    const end = { id: "uid-9", type: "SE_End", meta: {}, controls: {}, ports: {}, position: [160, 0] as [number, number] };
    kept = { ...kept, name: "Named by them", document: { actions: [end] }, draftVersion: 2 };
    expect(await session.save()).toBe(false);
    const theirs = session.state.conflict ?? expect.fail("no conflict");
    session.takeMerged(theirs, { doc: { actions: [...session.state.doc.actions, end] }, notes: [] });
    expect(session.state).toMatchObject({ conflict: null, dirty: true });
    expect(new EditorSession(catalogue, kept).state, "a reload keeps it, over their version").toMatchObject({ conflict: null, doc: { actions: [{ id: mine }, { id: "uid-9" }] } });
    expect(await session.save()).toBe(true);
    expect(kept).toMatchObject({ name: "Named by them", draftVersion: 3, document: { actions: [{ id: mine }, { id: "uid-9" }] } });
    session.undo();
    expect(session.state.doc.actions.map((action) => action.id)).toEqual([mine]);
  });

  it("keeps notes beside the file, with undo, a draft and a save", async () => {
    const flow = create();
    const session = new EditorSession(catalogue, flow);
    session.addNote([10, 20]);
    const empty = session.state.noting ?? expect.fail("no note is begun");
    session.writeNote(empty, "  ");
    expect(session.state).toMatchObject({ noting: null, notes: [], dirty: false, history: { past: [] } });
    session.addNote([10, 20]);
    const begun = session.state.noting ?? expect.fail("no note is begun");
    session.writeNote(begun, "Ask Grace first\n");
    const noted = { id: begun.id, text: "Ask Grace first", position: [16, 16] };
    expect(session.state).toMatchObject({ notes: [noted], dirty: true, selected: new Set([begun.id]), doc: { actions: [] } });
    expect(new EditorSession(catalogue, flow).state.notes, "a reload keeps it").toEqual([noted]);
    const start = session.add(block("SE_Start"), [0, 0]);
    session.remove(new Set([start, begun.id]));
    expect(session.state).toMatchObject({ notes: [], doc: { actions: [] } });
    session.undo();
    expect(session.state).toMatchObject({ notes: [noted], doc: { actions: [{ id: start }] } });
    expect(await session.save()).toBe(true);
    expect(kept.notes).toEqual([noted]);
    expect(JSON.stringify(kept.document)).not.toContain("Grace");
    expect(session.state.dirty).toBe(false);
    session.undo();
    session.undo();
    expect(session.state).toMatchObject({ notes: [], dirty: true });
  });

  it("saves by itself when the line comes back", async () => {
    const session = new EditorSession(catalogue, create());
    const end = session.open();
    session.add(block("SE_Start"), [0, 0]);
    const online = globalThis.fetch;
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("cut")));
    expect(await session.save()).toBe(false);
    expect(session.state.dirty).toBe(true);
    vi.stubGlobal("fetch", online);
    const { report } = await import("../api/connection");
    report("online");
    await vi.waitFor(() => expect(session.state.dirty).toBe(false));
    end();
  });

  it("refuses a line with its reason and changes nothing", () => {
    const session = new EditorSession(catalogue, create());
    const id = session.add(block("SE_Log"), [0, 0]);
    const before = session.state.doc;
    expect(session.connect({ id, port: "done" }, { id, port: null })).toBe(false);
    expect(session.state.doc).toBe(before);
  });
});

describe("a run on the stage", () => {
  it("shows path, time and what was missing, up to any step", () => {
    const base = { type: "SE_Log", title: "Log" };
    const run: Run = {
      id: "r",
      flowId: null,
      status: "completed",
      pending: null,
      actions: { b: { success: false, results: null, exception: { name: "X", message: "y" } } },
      trace: [
        { seq: 1, tMs: 5, action: "a", phase: "exit", port: "done", next: "b", inputs: { m: 1 }, unresolved: ["$.x"], outcome: "success", results: { v: 1 }, ...base },
        { seq: 2, tMs: 5, action: "b", phase: "perform", ...base },
        { seq: 3, tMs: 25, action: "b", phase: "exit", port: "failure", next: null, exception: { name: "X", message: "y" }, ...base },
      ],
    };
    const all = viewTrace(run, null);
    expect([...all.lines]).toEqual(["a:done"]);
    expect(all.steps.get("a")).toMatchObject({ state: "success", tookMs: 5, unresolved: ["$.x"], results: { v: 1 } });
    expect(all.steps.get("b")).toMatchObject({ state: "failure", tookMs: 20, exception: { name: "X" } });
    const early = viewTrace(run, 2);
    expect(early.steps.get("b")?.state).toBe("running");
  });

  it("has a sample for every event of the catalogue", () => {
    for (const source of catalogue.sources) {
      for (const event of source.events) {
        const sample = sampleEvent(catalogue, source.id, event.name);
        expect(Object.keys(sample.payload).sort(), `${source.id} ${event.name}`).toEqual(expect.arrayContaining(event.payload.map((field) => field.name).sort()));
      }
    }
  });
});
