import type { CatalogueData, Diagnostic, Flow, FlowDocument, FlowEvent, FlowFields, FlowVersion, Outcome } from "../src/api/types";
import { Catalogue } from "../src/flow/catalogue";
import { asDocument } from "../src/flow/document";
import { compare } from "../src/flow/diff";
import { MockRun } from "./run";
import { readCatalogue, readTemplates } from "./reference";
import { check } from "./check";

interface Reply {
  status: number;
  body: unknown;
}

interface Kept {
  flow: Flow;
  versions: (FlowVersion & { document: FlowDocument })[];
}

const RECORDS = [
  { object: "Contact", id: "003000000000001AAA", name: "Ada Winter", fields: { FirstName: "Ada", LastName: "Winter", Phone: "+12065550102", Email: "ada.winter@example.com", Title: "Head of Operations", AccountId: "001000000000001AAA" } },
  { object: "Contact", id: "003000000000002AAA", name: "Tom Berger", fields: { FirstName: "Tom", LastName: "Berger", Phone: "+493023125100", Email: "tom.berger@example.org" } },
  { object: "Account", id: "001000000000001AAA", name: "Northwind Clinics", fields: { Name: "Northwind Clinics", Phone: "+12065550101", Industry: "Healthcare" } },
  { object: "Case", id: "500000000000001AAA", name: "00001026", fields: { CaseNumber: "00001026", Subject: "Delivery is late", Status: "New" } },
];

/** The contract of the JSON interface, in memory, for developing the pages and testing their logic. */
export class MockServer {
  readonly data: CatalogueData = readCatalogue();
  readonly catalogue = new Catalogue(this.data);
  readonly #flows = new Map<string, Kept>();
  readonly #runs = new Map<string, MockRun>();
  #count = 0;

  handle(method: string, url: string, body: unknown): Reply {
    const [path = "", query = ""] = url.split("?", 2);
    const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
    try {
      return this.#route(`${method} ${parts[0]}`, parts.slice(1), new URLSearchParams(query), body as Record<string, unknown>, method);
    } catch (error) {
      return problem(500, "The mock failed", String(error));
    }
  }

  #route(door: string, rest: string[], query: URLSearchParams, body: Record<string, unknown>, method: string): Reply {
    const [id, verb] = rest;
    switch (door) {
      case "GET catalogue":
        return ok(this.data);
      case "GET templates":
        return ok({ templates: readTemplates() });
      case "GET flows":
      case "POST flows":
      case "PUT flows":
      case "DELETE flows":
        return this.#flow(method, id, verb, rest[2], body);
      case "GET runs":
        return id ? this.#run(id) : ok({ runs: [...this.#runs.values()].map((r) => r.run).filter((r) => !query.get("flow") || r.flowId === query.get("flow")) });
      case "POST runs":
        return this.#runVerb(id, verb, body);
      case "POST events":
        return this.#event(body);
      case "GET records":
        return this.#records(id, query.get("q") ?? "");
      default:
        return problem(404, "No such address", door);
    }
  }

  #flow(method: string, id: string | undefined, verb: string | undefined, n: string | undefined, body: Record<string, unknown>): Reply {
    const doc = asDocument(body["document"]);
    if (id === "check") return ok({ diagnostics: doc ? this.#check(doc) : [] });
    if (id === "format") return { status: 200, body: JSON.stringify(body["document"], null, body["style"] === "pretty" ? 2 : 0) };
    if (id === "fix") return ok({ document: body["document"], applied: [] });
    if (id === "import") return ok(this.#import(String(body["text"])));
    if (id === "diff") return ok(diffReport(body["a"] as FlowDocument, body["b"] as FlowDocument));
    if (id === undefined) {
      if (method === "GET") return ok({ flows: [...this.#flows.values()].map((k) => k.flow) });
      return { status: 201, body: this.#create(body as unknown as FlowFields, doc ?? { actions: [] }) };
    }
    const kept = this.#flows.get(id);
    if (!kept) return problem(404, "No such flow", `There is no flow ${id}.`);
    if (verb === undefined) return this.#flowItself(method, kept, body, doc);
    return this.#flowVerb(kept, verb, n, body);
  }

  #flowItself(method: string, kept: Kept, body: Record<string, unknown>, doc: FlowDocument | null): Reply {
    const { flow } = kept;
    if (method === "DELETE") {
      flow.deletedAt = Date.now();
      return { status: 204, body: "" };
    }
    if (method === "PUT") {
      if (body["baseVersion"] !== flow.draftVersion) {
        return { status: 409, body: { title: "Someone else saved this flow", status: 409, detail: `Version ${flow.draftVersion} is newer.`, current: flow.draftVersion } };
      }
      const { document: _d, baseVersion: _b, note, ...fields } = body;
      Object.assign(flow, fields, { document: doc, raw: null, draftVersion: flow.draftVersion + 1, updatedAt: Date.now() });
      this.#keep(kept, typeof note === "string" ? note : null);
    }
    return ok(flow);
  }

  #flowVerb(kept: Kept, verb: string, n: string | undefined, body: Record<string, unknown>): Reply {
    const { flow } = kept;
    switch (verb) {
      case "versions":
        if (n === undefined) return ok({ versions: kept.versions.map(({ document: _d, ...v }) => ({ ...v, active: v.version === flow.activeVersion })).reverse() });
        return ok({ ...flow, document: kept.versions.find((v) => v.version === Number(n))?.document });
      case "restore":
        flow.deletedAt = null;
        return ok(flow);
      case "clone":
        return { status: 201, body: this.#create({ ...flow, name: `${flow.name} (copy)` }, flow.document ?? { actions: [] }) };
      case "deactivate":
        Object.assign(flow, { active: false, activeVersion: null });
        return ok(flow);
      case "activate": {
        const diagnostics = this.#check(flow.document ?? { actions: [] });
        if (diagnostics.some((d) => d.severity === "error")) {
          return { status: 422, body: { title: "The flow has errors", status: 422, detail: "Mend them first.", diagnostics } };
        }
        Object.assign(flow, { active: true, activeVersion: Number(body["version"]) });
        return ok(flow);
      }
      default:
        return problem(404, "No such address", verb);
    }
  }

  #create(fields: FlowFields, document: FlowDocument): Flow {
    this.#count += 1;
    const flow: Flow = {
      id: `flow-${this.#count}`,
      name: fields.name,
      adapter: fields.adapter,
      source: fields.source,
      event: fields.event,
      description: fields.description,
      order: fields.order,
      debug: fields.debug,
      active: false,
      draftVersion: 1,
      activeVersion: null,
      updatedAt: Date.now(),
      author: "you",
      deletedAt: null,
      problems: { errors: 0, warnings: 0 },
      document,
      raw: null,
    };
    const kept: Kept = { flow, versions: [] };
    this.#keep(kept, null);
    this.#flows.set(flow.id, kept);
    return flow;
  }

  #keep(kept: Kept, note: string | null): void {
    const { flow } = kept;
    const found = this.#check(flow.document ?? { actions: [] });
    const many = (severity: string): number => found.filter((d) => d.severity === severity).length;
    flow.problems = { errors: many("error"), warnings: many("warning") };
    kept.versions.push({ version: flow.draftVersion, author: flow.author, at: Date.now(), note, active: false, document: structuredClone(flow.document ?? { actions: [] }) });
  }

  #check(doc: FlowDocument): Diagnostic[] {
    return check(doc, this.catalogue);
  }

  #import(raw: string): unknown {
    let document: FlowDocument | null = null;
    try {
      document = asDocument(JSON.parse(raw));
    } catch {
      document = null;
    }
    const unknownTypes = [...new Set((document?.actions ?? []).map((a) => a.type).filter((t) => !this.catalogue.block(t)))];
    return { document, raw, report: { unknownTypes, renumbered: [], notes: [], diagnostics: document ? this.#check(document) : [] } };
  }

  #runVerb(id: string | undefined, verb: string | undefined, body: Record<string, unknown>): Reply {
    if (id === undefined) {
      const kept = typeof body["flowId"] === "string" ? this.#flows.get(body["flowId"]) : undefined;
      const doc = asDocument(body["document"]) ?? kept?.flow.document;
      if (!doc) return problem(422, "Nothing to run", "Give a flow or a document.");
      return ok(this.#start(kept?.flow.id ?? null, doc, body["event"] as FlowEvent, body["answers"] as Record<string, unknown>).run);
    }
    const run = this.#runs.get(id);
    if (!run) return problem(404, "No such run", id);
    if (verb === "cancel") run.cancel();
    else run.complete(String(body["actionId"]), body["outcome"] as Outcome);
    return ok(run.run);
  }

  #run(id: string): Reply {
    const run = this.#runs.get(id);
    return run ? ok(run.run) : problem(404, "No such run", id);
  }

  #start(flowId: string | null, doc: FlowDocument, event: FlowEvent, answers: Record<string, unknown> = {}): MockRun {
    const id = `run-${this.#runs.size + 1}`;
    const run = new MockRun(id, flowId, doc, event, this.catalogue, answers, RECORDS);
    this.#runs.set(id, run);
    run.advance();
    return run;
  }

  #event(body: Record<string, unknown>): Reply {
    const matching = [...this.#flows.values()].filter(({ flow }) => flow.active && !flow.deletedAt && flow.source === body["source"] && flow.event === body["event"]);
    if (matching.length === 0) {
      const drafts = [...this.#flows.values()].filter(({ flow }) => flow.source === body["source"] && flow.event === body["event"]);
      return ok({ runs: [], reason: drafts.length > 0 ? "The flow for this event is not active." : "No flow listens to this event." });
    }
    const event = { source: body["source"], name: body["event"], payload: body["payload"], contact: body["contact"], agent: body["agent"] } as FlowEvent;
    const runs = matching.map(({ flow }) => this.#start(flow.id, flow.document ?? { actions: [] }, event).run);
    return ok({ runs, reason: null });
  }

  #records(id: string | undefined, q: string): Reply {
    if (id === "search") {
      const digits = q.replace(/\D/g, "");
      const hits = RECORDS.filter((r) => {
        const all = JSON.stringify(r.fields).toLowerCase();
        return q !== "" && (all.includes(q.toLowerCase()) || (digits.length > 6 && all.replace(/[^\d"]/g, "").includes(digits.slice(-9))));
      });
      return ok({ records: hits.map(({ fields: _f, ...row }) => row) });
    }
    const found = RECORDS.find((r) => r.id === id);
    return found ? ok(found) : problem(404, "No such record", `There is no record ${id}.`);
  }
}

function diffReport(a: FlowDocument, b: FlowDocument): Record<string, string[]> {
  const report: Record<string, string[]> = { added: [], removed: [], changed: [], moved: [] };
  for (const [id, change] of compare(a, b)) report[change]?.push(id);
  return report;
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

function problem(status: number, title: string, detail: string): Reply {
  return { status, body: { type: "about:blank", title, status, detail } };
}
