import { useCallback, useRef, useState } from "react";
import { api } from "../api/client";
import { asProblem } from "../api/problem";
import type { FlowEvent, Outcome, Run } from "../api/types";
import { toast } from "../ui/toast";
import { useSession } from "./context";
import { sampleOutcome } from "./samples";

interface TestRun {
  busy: boolean;
  start: (event: FlowEvent, auto: boolean) => Promise<void>;
  answer: (outcome: Outcome) => Promise<void>;
  stop: () => Promise<void>;
}

/** Runs the stage, saved or not, with a sample event; outside calls are answered from pins, samples or by the author. */
export function useTestRun(): TestRun {
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const setting = useRef<{ event: FlowEvent; auto: boolean } | null>(null);
  const guard = useCallback(async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      const problem = asProblem(error);
      toast([problem.title, problem.detail].filter(Boolean).join(": "), "bad");
    }
    setBusy(false);
  }, []);
  /** Answers what can be answered; stops at breakpoints and when the author wants to answer. */
  const drive = useCallback(
    async (first: Run): Promise<void> => {
      let run = first;
      session.showRun(run);
      for (let turns = 0; run.status === "waiting" && run.pending && turns < 1000; turns += 1) {
        const { actionId, key, type, inputs } = run.pending;
        const pinned = session.state.pinned[actionId];
        const { event, auto } = setting.current ?? { event: null, auto: false };
        if (session.state.breakpoints.has(actionId) || (!auto && !pinned) || !event) break;
        run = await api.completeRun(run.id, actionId, pinned ?? sampleOutcome(session.catalogue.block(type), inputs, event), key);
        session.showRun(run);
      }
      if (run.pending) session.select([run.pending.actionId]);
    },
    [session],
  );
  return {
    busy,
    start: (event, auto) =>
      guard(async () => {
        setting.current = { event, auto };
        session.showRun(null);
        // Pinned results of blocks that the server answers itself travel as scripted answers.
        const answers = session.state.pinned as unknown as Record<string, never>;
        await drive(await api.startRun({ document: session.state.doc, event, answers, mode: "test" }));
      }),
    answer: (outcome) =>
      guard(async () => {
        const run = session.state.run;
        if (run?.pending) await drive(await api.completeRun(run.id, run.pending.actionId, outcome, run.pending.key));
      }),
    stop: () =>
      guard(async () => {
        const run = session.state.run;
        if (run) session.showRun(await api.cancelRun(run.id));
      }),
  };
}
