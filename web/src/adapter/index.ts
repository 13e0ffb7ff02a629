/// <reference types="amazon-connect-streams" />
import type { Outcome, Run } from "../api/types";
import { Gate, type Happening, type LogEntry, type Raiser } from "../host/gate";
import type { Surface } from "../host/surface";
import { watch, type Watching } from "./events";
import { openCtiSurface, type OpenCti } from "./openCti";
import { pageSurface } from "./page";

export interface AdapterOptions {
  /** Where Tieline answers, such as `https://tieline.example.com`; empty for the same origin. */
  server: string;
  token: string;
  /** Where messages and the overlay are shown. */
  root: HTMLElement;
  streams?: typeof connect;
  openCti?: OpenCti;
  onLog?: (entries: LogEntry[]) => void;
}

export interface Adapter extends Watching {
  gate: Gate;
}

/** Joins Streams, Open CTI and Tieline. The page has called `connect.core.initCCP` before, or does so after: events wait. */
export function start(options: AdapterOptions): Adapter {
  const world = globalThis as unknown as { connect?: typeof connect; sforce?: { opencti?: OpenCti } };
  const streams = options.streams ?? world.connect;
  const cti = options.openCti ?? world.sforce?.opencti;
  if (!streams) throw new Error("amazon-connect-streams is not on this page: load it before this script.");
  if (!cti) throw new Error("Open CTI is not on this page: load /support/api/…/lightning/opencti_min.js before this script.");
  const surface: Surface = {
    salesforce: openCtiSurface(cti),
    agent: () => watching.agent(),
    contact: (id) => watching.contact(id),
    page: pageSurface(options.root),
  };
  const gate = new Gate({
    engine: engine(options.server, options.token),
    surface,
    onLog: options.onLog ?? (() => undefined),
    locks: navigator.locks,
    focused: () => document.hasFocus(),
  });
  const watching = watch(streams, { take: (happening: Happening) => gate.take(happening), ready: () => gate.open() });
  const ui = (event: string, payload: Record<string, never>): void => {
    void gate.take({ id: `${event}:${crypto.randomUUID()}`, source: "salesforceUi", event, contact: null, agent: watching.agent()?.snapshot() ?? null, payload });
  };
  cti.onClickToDial({ listener: (payload) => ui("onClickToDial", payload as Record<string, never>) });
  cti.hvs?.onWorkStart({ listener: (payload) => ui("onHvsWorkStart", payload as Record<string, never>) });
  cti.onNavigationChange({ listener: (payload) => ui("onNavigationChange", payload as Record<string, never>) });
  return { ...watching, gate };
}

function engine(server: string, token: string): Raiser {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${server}/api${path}`, {
      method,
      headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: `Bearer ${token}` },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { title?: string; detail?: string };
    if (!response.ok) throw new Error([answer.title, answer.detail].filter(Boolean).join(": ") || `HTTP ${response.status}`);
    return answer;
  };
  const post = <T>(path: string, body: unknown): Promise<T> => call<T>("POST", path, body);
  return {
    run: (id: string) => call<Run>("GET", `/runs/${encodeURIComponent(id)}`),
    raise: (body) => post<{ runs: Run[]; reason: string | null }>("/events", body),
    completeRun: (id: string, actionId: string, outcome: Outcome, key?: string) =>
      post<Run>(`/runs/${encodeURIComponent(id)}/complete`, { actionId, key, outcome }),
    cancelRun: (id: string) => post<Run>(`/runs/${encodeURIComponent(id)}/cancel`, {}),
  };
}
