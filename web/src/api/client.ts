import { parseJson } from "./lossless";
import { Problem, type ProblemBody } from "./problem";
import { token } from "./token";
import { report } from "./connection";
import type {
  CatalogueData,
  Diagnostic,
  Flow,
  FlowDocument,
  FlowEvent,
  FlowFields,
  FlowSummary,
  FlowVersion,
  ImportReport,
  Json,
  Note,
  Outcome,
  RecordRow,
  Run,
  RunLine,
  SalesforceRecord,
  Template,
} from "./types";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One call of the interface: JSON in, JSON out, a `Problem` when refused or cut. */
export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const text = await callText(method, path, body, signal);
  return (text === "" ? undefined : parseJson(text)) as T;
}

async function callText(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<string> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const secret = token();
  if (secret) headers["Authorization"] = `Bearer ${secret}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/api${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    report("offline");
    throw new Problem(0, { title: "No answer from Tieline", detail: "The server cannot be reached." });
  }
  report(response.status === 401 ? "token" : "online");
  if (response.ok) return text;
  throw new Problem(response.status, readProblem(response.status, text));
}

function readProblem(status: number, text: string): Partial<ProblemBody> {
  try {
    return JSON.parse(text) as Partial<ProblemBody>;
  } catch {
    return { title: `The server answered ${status}`, detail: text.slice(0, 300) };
  }
}

const at = (id: string): string => encodeURIComponent(id);

export const api = {
  catalogue: (signal?: AbortSignal) => call<CatalogueData>("GET", "/catalogue", undefined, signal),
  templates: () => call<{ templates: Template[] }>("GET", "/templates").then((r) => r.templates),

  flows: (signal?: AbortSignal) => call<{ flows: FlowSummary[] }>("GET", "/flows", undefined, signal).then((r) => r.flows),
  flow: (id: string, signal?: AbortSignal) => call<Flow>("GET", `/flows/${at(id)}`, undefined, signal),
  createFlow: (fields: FlowFields & { document?: FlowDocument; raw?: string }) => call<Flow>("POST", "/flows", fields),
  saveFlow: (id: string, body: FlowFields & { document?: FlowDocument; raw?: string; notes?: Note[]; note?: string; baseVersion: number }) =>
    call<Flow>("PUT", `/flows/${at(id)}`, body),
  deleteFlow: (id: string) => call<void>("DELETE", `/flows/${at(id)}`),
  restoreFlow: (id: string) => call<Flow>("POST", `/flows/${at(id)}/restore`, {}),
  cloneFlow: (id: string) => call<Flow>("POST", `/flows/${at(id)}/clone`, {}),
  activate: (id: string, version: number) => call<Flow>("POST", `/flows/${at(id)}/activate`, { version }),
  deactivate: (id: string) => call<Flow>("POST", `/flows/${at(id)}/deactivate`, {}),
  versions: (id: string) => call<{ versions: FlowVersion[] }>("GET", `/flows/${at(id)}/versions`).then((r) => r.versions),
  version: (id: string, n: number) => call<Flow>("GET", `/flows/${at(id)}/versions/${n}`),

  check: (body: { document: FlowDocument; source?: string; event?: string; flowId?: string }, signal?: AbortSignal) =>
    call<{ diagnostics: Diagnostic[] }>("POST", "/flows/check", body, signal).then((r) => r.diagnostics),
  fix: (document: FlowDocument, codes?: string[]) =>
    call<{ document: FlowDocument; applied: unknown[] }>("POST", "/flows/fix", { document, ...(codes ? { codes } : {}) }),
  importText: (text: string) =>
    call<{ document: FlowDocument | null; raw: string; report: ImportReport }>("POST", "/flows/import", { text }),
  format: (document: FlowDocument, style: "exact" | "pretty") => callText("POST", "/flows/format", { document, style }),

  startRun: (body: {
    flowId?: string;
    document?: FlowDocument;
    event: FlowEvent;
    answers?: Record<string, Json>;
    mode: "live" | "test";
  }) => call<Run>("POST", "/runs", body),
  completeRun: (id: string, actionId: string, outcome: Outcome, key?: string) =>
    call<Run>("POST", `/runs/${at(id)}/complete`, { actionId, key, outcome }),
  cancelRun: (id: string) => call<Run>("POST", `/runs/${at(id)}/cancel`, {}),
  run: (id: string) => call<Run>("GET", `/runs/${at(id)}`),
  runs: (filter: { flow?: string; contact?: string }) =>
    call<{ runs: Run[] }>("GET", `/runs?${new URLSearchParams(filter as Record<string, string>)}`).then((r) => r.runs),
  latestRuns: (signal?: AbortSignal) => call<{ runs: RunLine[] }>("GET", "/runs/latest", undefined, signal).then((r) => r.runs),
  raise: (body: {
    id: string;
    source: string;
    event: string;
    agent: Record<string, Json> | null;
    contact: Record<string, Json> | null;
    payload: Record<string, Json>;
  }) => call<{ runs: Run[]; reason: string | null }>("POST", "/events", body),

  record: (id: string) => call<SalesforceRecord>("GET", `/records/${at(id)}`),
  searchRecords: (q: string) =>
    call<{ records: RecordRow[] }>("GET", `/records/search?${new URLSearchParams({ q })}`).then((r) => r.records),
};
