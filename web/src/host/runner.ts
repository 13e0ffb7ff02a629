import type { Outcome, Run } from "../api/types";
import { perform } from "./blocks";
import type { Surface } from "./surface";

/** The calls a host needs of the engine. */
export interface Engine {
  run(id: string): Promise<Run>;
  completeRun(id: string, actionId: string, outcome: Outcome, key?: string): Promise<Run>;
  cancelRun(id: string): Promise<Run>;
}

export interface Following {
  surface: Surface;
  engine: Engine;
  contactId: string | null;
  onStep?: (run: Run) => void;
}

/** A block must not hold a run for ever; past this the call failed and the flow goes on by `failure`. */
const LIMIT_MS = 10_000;
/** How often a run is looked at whose delay is too long for one call to wait for. */
const LOOK_MS = 2_000;

/** Follows one run to its end: every block the engine asks for is carried out here and answered once. */
export async function follow(first: Run, { surface, engine, contactId, onStep }: Following): Promise<Run> {
  let run = first;
  onStep?.(run);
  while (run.status === "waiting") {
    if (!run.pending) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      run = await engine.run(run.id);
      onStep?.(run);
      continue;
    }
    const { actionId, key, type, inputs } = run.pending;
    const patient = type === "SE_ShowModal" || type === "SE_Alert";
    const outcome = await within(patient ? 55_000 : LIMIT_MS, perform(type, { inputs, surface, contactId }));
    const next = await engine.completeRun(run.id, actionId, outcome, key);
    // An answer that changed nothing was not wanted; going on would ask for ever.
    if (next.status === "waiting" && next.pending?.actionId === actionId && next.trace.length === run.trace.length) return next;
    run = next;
    onStep?.(run);
  }
  return run;
}

function within(ms: number, work: Promise<Outcome>): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "failure", exception: { name: "Timeout", message: `No answer within ${ms / 1000} s.` } }), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
