import { describe, expect, it, vi } from "vitest";
import { readCatalogue } from "../flow/catalogue.fixture";
import type { Outcome, Run } from "../api/types";
import { knows, perform } from "./blocks";
import { EARLY_MS, Gate, type Happening, type LogEntry } from "./gate";
import { follow } from "./runner";
import { Refused, type Fields, type Pop, type Surface } from "./surface";

/** A world that notes what was asked of it. */
function world(contact: Fields | null = { contactId: "c1", type: "voice", phone: "+12065550142", country: "US", attributes: { tier: "" } }) {
  const pops: Pop[] = [];
  const refuse = (): never => {
    throw new Refused("NotAvailable", "not in this test");
  };
  const surface = {
    salesforce: new Proxy(
      {
        pop: async (target: Pop) => void pops.push(target),
        search: async () => ({ records: { "003A": { Name: "Ada" } } }),
        tabs: async () => [{ id: "t1", parent: null, url: "/003A", recordId: "003A", focused: true }],
      },
      { get: (target, name) => Reflect.get(target, name) ?? refuse },
    ),
    agent: () => null,
    contact: (id: string) => (contact && id === contact["contactId"] ? { snapshot: () => contact, latestMessage: () => null } : null),
    page: { modal: async () => true, alert: async () => undefined, overlay: () => undefined, showAttributes: () => undefined },
  } as unknown as Surface;
  return { surface, pops };
}

const failed = (outcome: Outcome): string => (outcome.kind === "failure" ? outcome.exception.name : "");

describe("blocks", () => {
  it("carry out every block the catalogue gives to the browser", () => {
    const browser = readCatalogue().blocks.filter((block) => block.executor.startsWith("browser"));
    expect(browser.length).toBeGreaterThan(60);
    expect(browser.filter((block) => !knows(block.type)).map((block) => block.type)).toEqual([]);
  });

  it("bind to the contact of the run and to no other", async () => {
    const { surface } = world();
    const phone = (contactId: string | null) => perform("SE_ContactCustomerPhoneNumber", { inputs: {}, surface, contactId });
    expect(await phone("c1")).toEqual({ kind: "success", results: { phone: "+12065550142", country: "US" } });
    expect(failed(await phone("other"))).toBe("ContactGone");
    expect(failed(await phone(null))).toBe("ContactGone");
  });

  it("give the default for a missing attribute, not for an empty one", async () => {
    const { surface } = world();
    const attribute = (attributeName: string) => perform("SE_ContactGetAttributeValue", { inputs: { attributeName, defaultValue: "none" }, surface, contactId: "c1" });
    expect(await attribute("tier")).toMatchObject({ results: { value: "" } });
    expect(await attribute("other")).toMatchObject({ results: { value: "none" } });
  });

  it("treat an empty search as success without a pop", async () => {
    const { surface, pops } = world();
    expect(await perform("SE_SFSearchAndScreenpop", { inputs: { searchParams: " " }, surface, contactId: "c1" })).toMatchObject({ kind: "success", results: { count: 0 } });
    expect(pops).toEqual([]);
    expect(await perform("SE_SFSearchAndScreenpop", { inputs: { searchParams: "+12065550142" }, surface, contactId: "c1" })).toMatchObject({ results: { count: 1, id: "003A" } });
  });

  it("open nothing that is no address", async () => {
    const { surface, pops } = world();
    for (const url of ["javascript:alert(1)", "data:text/html,x", "//evil.example", " JaVaScRiPt:x"]) {
      expect(failed(await perform("SE_SFScreenpopUrl", { inputs: { url }, surface, contactId: null })), url).toBe("InvalidUrl");
    }
    await perform("SE_SFScreenpopUrl", { inputs: { url: "https://example.com/a" }, surface, contactId: null });
    expect(pops).toEqual([{ kind: "url", url: "https://example.com/a" }]);
  });

  it("honour noPopOnEmpty", async () => {
    const { surface } = world();
    const pop = (noPopOnEmpty: boolean) => perform("SE_SFScreenpopObject", { inputs: { recordId: "", noPopOnEmpty }, surface, contactId: null });
    expect((await pop(true)).kind).toBe("success");
    expect(failed(await pop(false))).toBe("MissingInput");
  });

  it("never throw", async () => {
    const { surface } = world();
    for (const type of ["SE_AgentMute", "SE_SFRefreshView", "SE_Unknown", "SE_JQueryMethod"]) {
      expect((await perform(type, { inputs: {}, surface, contactId: null })).kind).toBe("failure");
    }
  });
});

const run = (change: Partial<Run>): Run => ({ id: "r1", flowId: "f", status: "completed", trace: [], actions: {}, pending: null, ...change });
const waiting = (actionId: string, n: number): Run =>
  run({ status: "waiting", trace: Array.from({ length: n }, () => ({}) as Run["trace"][number]), pending: { actionId, key: `k-${actionId}`, type: "SE_ContactIsVoice", executor: "browser-streams", inputs: {}, deadlineMs: 1 } });

describe("following a run", () => {
  it("answers each question once and ends with the run", async () => {
    const { surface } = world();
    const answers: [string, Outcome, string | undefined][] = [];
    const steps = [waiting("b", 2), run({})];
    const engine = {
      completeRun: async (_id: string, action: string, outcome: Outcome, key?: string) => {
        answers.push([action, outcome, key]);
        return steps.shift() ?? run({});
      },
      cancelRun: async () => run({}),
      run: async () => run({}),
    };
    const ended = await follow(waiting("a", 1), { surface, engine, contactId: "c1" });
    expect(ended.status).toBe("completed");
    expect(answers).toEqual([
      ["a", { kind: "branch", value: true }, "k-a"],
      ["b", { kind: "branch", value: true }, "k-b"],
    ]);
  });

  it("looks again at a run whose delay nobody waited for", async () => {
    vi.useFakeTimers();
    const { surface } = world();
    const steps = [run({ status: "waiting" }), waiting("a", 2)];
    const looked = vi.fn(async () => steps.shift() ?? run({}));
    const engine = { completeRun: async () => run({}), cancelRun: async () => run({}), run: looked };
    const ended = follow(run({ status: "waiting" }), { surface, engine, contactId: "c1" });
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect((await ended).status).toBe("completed");
    expect(looked).toHaveBeenCalledTimes(2);
  });

  it("stops when an answer changes nothing", async () => {
    const { surface } = world();
    const completeRun = vi.fn(async () => waiting("a", 1));
    await follow(waiting("a", 1), { surface, engine: { completeRun, cancelRun: async () => run({}), run: async () => run({}) }, contactId: "c1" });
    expect(completeRun).toHaveBeenCalledTimes(1);
  });
});

function gate(options: { runs?: Run[]; reason?: string; locks?: LockManager } = {}) {
  let now = 1000;
  let log: LogEntry[] = [];
  const raised: Happening[] = [];
  const made = new Gate({
    engine: {
      raise: async (body) => {
        raised.push(body);
        return { runs: options.runs ?? [], reason: options.reason ?? null };
      },
      completeRun: async () => run({}),
      cancelRun: async () => run({}),
      run: async () => run({}),
    },
    surface: world().surface,
    onLog: (entries) => (log = entries),
    now: () => now,
    locks: options.locks,
  });
  return { gate: made, raised, log: () => log, pass: (ms: number) => (now += ms) };
}

const happening = (id: string): Happening => ({ id, source: "voiceContact", event: "onConnecting", contact: { contactId: "c1" }, agent: null, payload: {} });

describe("the gate", () => {
  it("holds early events until the agent is there, in their order", async () => {
    const g = gate();
    await g.gate.take(happening("1"));
    await g.gate.take(happening("2"));
    expect(g.raised).toEqual([]);
    expect(g.log().map((entry) => entry.state)).toEqual(["queued", "queued"]);
    await g.gate.open();
    expect(g.raised.map((h) => h.id)).toEqual(["1", "2"]);
  });

  it("drops what waited too long, and says so", async () => {
    const g = gate();
    await g.gate.take(happening("old"));
    g.pass(EARLY_MS + 1);
    await g.gate.take(happening("new"));
    await g.gate.open();
    expect(g.raised.map((h) => h.id)).toEqual(["new"]);
    expect(g.log().find((entry) => entry.happening.id === "old")).toMatchObject({ state: "dropped" });
  });

  it("runs an event once however often it comes", async () => {
    const g = gate({ reason: "No flow listens to this event." });
    await g.gate.open();
    await g.gate.take(happening("1"));
    expect(await g.gate.take(happening("1"))).toBeNull();
    expect(g.raised).toHaveLength(1);
    expect(g.log()[0]).toMatchObject({ state: "none", reason: "No flow listens to this event." });
  });

  it("leaves an event to the tab that holds it", async () => {
    const locks = { request: (_name: string, _options: object, work: (lock: null) => unknown) => Promise.resolve(work(null)) } as unknown as LockManager;
    const g = gate({ locks });
    await g.gate.open();
    await g.gate.take(happening("1"));
    expect(g.raised).toEqual([]);
    expect(g.log()[0]?.state).toBe("elsewhere");
  });
});
