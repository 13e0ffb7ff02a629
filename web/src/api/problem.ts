import type { Diagnostic } from "./types";

/** A refusal or failure of the interface: RFC 9457, plus the two shapes that never reached a server. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
  readonly diagnostics: Diagnostic[];

  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.name = "Problem";
    this.status = status;
    this.title = body.title ?? "";
    this.detail = body.detail ?? "";
    this.hint = body.hint ?? "";
    this.diagnostics = body.diagnostics ?? [];
  }

  /** No answer came: the server is down or the line is cut. */
  get offline(): boolean {
    return this.status === 0;
  }
}

export interface ProblemBody {
  type: string;
  title: string;
  detail: string;
  hint: string;
  status: number;
  diagnostics: Diagnostic[];
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(-1, { title: "Unexpected error", detail: error instanceof Error ? error.message : String(error) });
}
