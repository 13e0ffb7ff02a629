import type { Run } from "../api/types";
import { useEditor } from "./context";
import type { EditorState } from "./session";
import { viewTrace, type TraceView } from "./trace";

let last: { run: Run; steps: number | null; view: TraceView } | null = null;

/** One view per run and step, shared by all blocks and lines. */
function pick(state: EditorState): TraceView | null {
  const { run, shownSteps } = state;
  if (!run) return null;
  if (last?.run !== run || last.steps !== shownSteps) last = { run, steps: shownSteps, view: viewTrace(run, shownSteps) };
  return last.view;
}

export function useTrace(): TraceView | null {
  return useEditor(pick);
}
