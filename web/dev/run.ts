import type { FlowDocument, FlowEvent, Json, Outcome, Run, RunStatus } from "../src/api/types";
import type { Catalogue } from "../src/flow/catalogue";
import { actionOf, START, titleOf } from "../src/flow/document";
import { parseExpression } from "../src/flow/expression";

/** A run of the mock: it walks the graph and asks the page for everything beyond the simplest blocks. */
export class MockRun {
  readonly run: Run;
  #next: string | null;
  #visits = 0;
  readonly #began = Date.now();

  constructor(
    id: string,
    flowId: string | null,
    private readonly doc: FlowDocument,
    private readonly event: FlowEvent,
    private readonly catalogue: Catalogue,
    private readonly answers: Record<string, unknown>,
    private readonly records: { object: string; id: string; fields: Record<string, unknown> }[],
  ) {
    this.run = { id, flowId, status: "running", trace: [], actions: {}, pending: null, startedAt: this.#began, event };
    this.#next = doc.actions.find((a) => a.type === START)?.id ?? null;
  }

  advance(): void {
    while (this.run.status === "running") {
      const action = this.#next === null ? undefined : actionOf(this.doc, this.#next);
      this.#visits += 1;
      if (!action) return this.#end("stopped");
      if (this.#visits > 1000) return this.#end("limit");
      const block = this.catalogue.block(action.type);
      const inputs = this.#resolve(action.controls ?? {}) as Record<string, Json>;
      this.#trace(action.id, "enter", { inputs });
      const scripted = (this.answers[action.id] ?? this.answers[action.type]) as Outcome | undefined;
      const inside = this.#inside(action.type, inputs);
      const answer = scripted ?? inside;
      if (answer) {
        this.#take(action.id, answer);
        continue;
      }
      this.#trace(action.id, "perform", { inputs });
      this.run.status = "waiting";
      this.run.pending = { actionId: action.id, type: action.type, executor: block?.executor ?? "engine", inputs, deadlineMs: 10_000 };
    }
  }

  complete(actionId: string, outcome: Outcome): void {
    if (this.run.pending?.actionId !== actionId) return;
    this.run.pending = null;
    this.run.status = "running";
    this.#take(actionId, outcome);
    this.advance();
  }

  cancel(): void {
    this.run.pending = null;
    this.#end("cancelled");
  }

  #inside(type: string, inputs: Record<string, Json>): Outcome | null {
    const block = this.catalogue.block(type);
    if (block?.executor === "server-salesforce") {
      const digits = String(inputs["formattedPhoneNumber"] ?? "").replace(/\D/g, "");
      const hit = this.records.find((r) => r.object === "Contact" && digits.length > 6 && String(r.fields["Phone"]).endsWith(digits.slice(-9)));
      if (type === "SE_SFGetContactId") return hit ? { kind: "success", results: { sfContactId: hit.id } } : { kind: "failure", exception: { name: "NotFound", message: "No contact has this number." } };
      return { kind: "success", results: { id: "00T000000000001AAA" } };
    }
    if (block?.executor !== "engine") return null;
    if (block.shape === "diamond") return { kind: "branch", value: Boolean(inputs["value"]) };
    if (type.startsWith("SE_CoreFormatPhone")) return { kind: "success", results: { value: inputs["phoneNumber"] ?? null } };
    return { kind: "success", results: { value: inputs["value"] ?? inputs["defaultValue"] ?? null } };
  }

  #take(id: string, outcome: Outcome): void {
    const action = actionOf(this.doc, id);
    if (!action) return this.#end("failed");
    const ports = this.catalogue.ports(action.type);
    const success = outcome.kind !== "failure";
    const port = outcome.kind === "branch" ? String(outcome.value) : success ? (ports[0] ?? null) : (ports.find((p) => p === "failure") ?? null);
    const results: Json = outcome.kind === "success" ? outcome.results : outcome.kind === "branch" ? outcome.value : null;
    this.run.actions[id] = { success, results, exception: outcome.kind === "failure" ? outcome.exception : null };
    const next = port === null ? null : (action.ports?.[port] ?? null);
    this.#trace(id, "exit", { outcome: outcome.kind, results, port, next, exception: outcome.kind === "failure" ? outcome.exception : null });
    if (action.type === "SE_End") return this.#end("completed");
    if (!success && port === null) return this.#end("failed");
    this.#next = next;
  }

  #end(status: RunStatus): void {
    this.run.status = status;
    this.#trace(null, "end", {});
  }

  #trace(action: string | null, phase: Run["trace"][number]["phase"], more: object): void {
    const node = action === null ? undefined : actionOf(this.doc, action);
    this.run.trace.push({
      seq: this.run.trace.length + 1,
      tMs: Date.now() - this.#began,
      action,
      type: node?.type ?? null,
      title: node ? titleOf(this.catalogue, node) : null,
      phase,
      unresolved: [],
      ...more,
    });
  }

  #resolve(value: unknown): unknown {
    if (typeof value === "string") {
      const steps = parseExpression(value);
      if (!steps) return value;
      let at: unknown = { actions: this.run.actions, contact: this.event.contact, agent: this.event.agent, payload: this.event.payload };
      for (const step of steps) at = (at as Record<string, unknown> | null | undefined)?.[step];
      return at;
    }
    if (Array.isArray(value)) return value.map((v) => this.#resolve(v));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.#resolve(v)]));
    }
    return value;
  }
}
