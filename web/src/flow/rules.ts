import type { FlowDocument } from "../api/types";
import type { Catalogue } from "./catalogue";
import { actionOf, START } from "./document";

/** One end of a line being drawn: an output by its port, or the input socket. */
export interface End {
  id: string;
  port: string | null;
}

export type Refusal = "self" | "twoInputs" | "twoOutputs" | "intoStart" | "unknown" | "same";

export type Verdict =
  | { ok: true; from: string; port: string; to: string; replaces: string | null }
  | { ok: false; why: Refusal };

/** May these two sockets be joined? Either may be clicked first. */
export function judge(doc: FlowDocument, catalogue: Catalogue, a: End, b: End): Verdict {
  if (a.port === null && b.port === null) return { ok: false, why: a.id === b.id ? "same" : "twoInputs" };
  if (a.port !== null && b.port !== null) return { ok: false, why: a.id === b.id && a.port === b.port ? "same" : "twoOutputs" };
  const [source, target] = a.port !== null ? [a, b] : [b, a];
  if (source.id === target.id) return { ok: false, why: "self" };
  const from = actionOf(doc, source.id);
  const to = actionOf(doc, target.id);
  if (!from || !to || source.port === null) return { ok: false, why: "unknown" };
  if (to.type === START) return { ok: false, why: "intoStart" };
  if (!catalogue.ports(from.type).includes(source.port as never) && !(source.port in (from.ports ?? {}))) {
    return { ok: false, why: "unknown" };
  }
  const before = from.ports?.[source.port] ?? null;
  return { ok: true, from: source.id, port: source.port, to: target.id, replaces: before === target.id ? null : before };
}
