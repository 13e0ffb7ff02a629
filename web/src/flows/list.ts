import type { FlowSummary, RunLine } from "../api/types";
import type { Catalogue } from "../flow/catalogue";

// What the list of flows says and hides, apart from how it looks.

export interface Filter {
  q: string;
  source: string;
  event: string;
  state: string;
}

export function fits(flow: FlowSummary, filter: Filter, catalogue: Catalogue, sharing: ReadonlyMap<string, string[]>): boolean {
  if ((filter.state === "deleted") !== (flow.deletedAt !== null)) return false;
  if (filter.state === "active" && !flow.active) return false;
  if (filter.state === "inactive" && flow.active) return false;
  if (filter.state === "sharing" && !sharing.has(flow.id)) return false;
  if (filter.source !== "" && flow.source !== filter.source) return false;
  if (filter.event !== "" && flow.event !== filter.event) return false;
  const all = [flow.name, flow.adapter, flow.description, flow.event, catalogue.sourceLabel(flow.source)].join(" ").toLowerCase();
  return filter.q.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/** The events to choose from: those of the chosen source, else all there are. */
export function eventsOf(catalogue: Catalogue, source: string): string[] {
  const sources = source === "" ? catalogue.sources : catalogue.sources.filter((s) => s.id === source);
  return [...new Set(sources.flatMap((s) => s.events.map((event) => event.name)))].sort();
}

/** Active flows that stand on one event, each with the names of the others: all of them run, which is seldom meant. */
export function sharingFlows(flows: FlowSummary[]): Map<string, string[]> {
  const byEvent = new Map<string, FlowSummary[]>();
  for (const flow of flows) {
    if (!flow.active || flow.deletedAt !== null || flow.source === "ctiAction") continue;
    const key = `${flow.source} ${flow.event}`;
    byEvent.set(key, [...(byEvent.get(key) ?? []), flow]);
  }
  const sharing = new Map<string, string[]>();
  for (const group of byEvent.values()) {
    if (group.length < 2) continue;
    for (const flow of group) sharing.set(flow.id, group.filter((other) => other !== flow).map((other) => other.name));
  }
  return sharing;
}

/** How the latest runs of a flow went. */
export interface Health {
  last: RunLine;
  /** Runs that came to an end of their own; one that was cancelled says nothing of the flow. */
  ended: number;
  failed: number;
}

const FAILED: ReadonlySet<RunLine["status"]> = new Set(["failed", "timed_out", "limit"]);
const UNDECIDED: ReadonlySet<RunLine["status"]> = new Set(["running", "waiting", "cancelled"]);

export function hasFailed(run: RunLine): boolean {
  return FAILED.has(run.status);
}

/** By flow; a flow that never ran, or not lately, is not among them. */
export function healthOf(runs: RunLine[]): Map<string, Health> {
  const all = new Map<string, Health>();
  for (const run of runs) {
    const known = all.get(run.flowId) ?? { last: run, ended: 0, failed: 0 };
    all.set(run.flowId, {
      last: run.startedAt > known.last.startedAt ? run : known.last,
      ended: known.ended + (UNDECIDED.has(run.status) ? 0 : 1),
      failed: known.failed + (hasFailed(run) ? 1 : 0),
    });
  }
  return all;
}

/** Between 0 and 1; null where no run has ended. */
export function failureRate(health: Health | undefined): number | null {
  return health === undefined || health.ended === 0 ? null : health.failed / health.ended;
}
