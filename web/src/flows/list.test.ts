import { describe, expect, it } from "vitest";
import type { FlowSummary, RunLine, RunStatus } from "../api/types";
import { Catalogue } from "../flow/catalogue";
import { readCatalogue } from "../flow/catalogue.fixture";
import { eventsOf, failureRate, fits, healthOf, sharingFlows, type Filter } from "./list";

const catalogue = new Catalogue(readCatalogue());
const ALL: Filter = { q: "", source: "", event: "", state: "" };

function flow(id: string, patch: Partial<FlowSummary> = {}): FlowSummary {
  return {
    id, name: `Flow ${id}`, adapter: "A", source: "voiceContact", event: "onConnecting", description: "", order: 1, debug: false, active: true,
    draftVersion: 1, activeVersion: 1, updatedAt: 0, author: "Ada", deletedAt: null, problems: { errors: 0, warnings: 0 }, ...patch,
  };
}

function run(flowId: string, startedAt: number, status: RunStatus): RunLine {
  return { id: `run-${startedAt}`, flowId, startedAt, status };
}

describe("the list of flows", () => {
  it("names the other active flows of an event, and none that does not run by events", () => {
    const flows = [
      flow("a"),
      flow("b"),
      flow("c", { event: "onConnected" }),
      flow("d", { active: false }),
      flow("e", { deletedAt: 5 }),
      flow("f", { source: "ctiAction", event: "" }),
      flow("g", { source: "ctiAction", event: "" }),
      flow("h", { source: "chatContact" }),
    ];
    const sharing = sharingFlows(flows);
    expect(Object.fromEntries(sharing)).toEqual({ a: ["Flow b"], b: ["Flow a"] });
    const shown = (filter: Partial<Filter>): string[] => flows.filter((f) => fits(f, { ...ALL, ...filter }, catalogue, sharing)).map((f) => f.id);
    expect(shown({ state: "sharing" })).toEqual(["a", "b"]);
    expect(shown({ event: "onConnecting", state: "active" })).toEqual(["a", "b", "h"]);
    expect(shown({ source: "voiceContact", event: "onConnected" })).toEqual(["c"]);
    expect(shown({ state: "deleted" })).toEqual(["e"]);
    expect(shown({ q: "flow  h" })).toEqual(["h"]);
  });

  it("offers the events of the chosen source, each once", () => {
    const voice = eventsOf(catalogue, "voiceContact");
    expect(voice).toContain("onConnecting");
    const all = eventsOf(catalogue, "");
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(expect.arrayContaining(voice));
  });

  it("counts what failed among what ended, and shows the newest run whatever its place", () => {
    const health = healthOf([
      run("a", 5, "waiting"),
      run("a", 7, "cancelled"),
      run("a", 4, "failed"),
      run("a", 3, "timed_out"),
      run("a", 2, "limit"),
      run("a", 1, "stopped"),
      run("a", 0, "completed"),
      run("b", 9, "running"),
    ]);
    expect(health.get("a")).toEqual({ last: run("a", 7, "cancelled"), ended: 5, failed: 3 });
    expect(failureRate(health.get("a"))).toBe(0.6);
    expect(failureRate(health.get("b"))).toBeNull();
    expect(failureRate(health.get("c"))).toBeNull();
  });
});
