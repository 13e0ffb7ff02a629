import { useReactFlow } from "@xyflow/react";
import { api } from "../api/client";
import { asProblem } from "../api/problem";
import type { Diagnostic } from "../api/types";
import { DiagnosticRow } from "../flows/DiagnosticRow";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { toast } from "../ui/toast";
import { useEditor, useSession } from "./context";
import { goTo } from "./keys";

const RANK = { error: 0, warning: 1, info: 2 };

export function Problems() {
  const session = useSession();
  const flow = useReactFlow();
  const diagnostics = useEditor((s) => s.diagnostics);
  const checking = useEditor((s) => s.checking);
  const sorted = [...diagnostics].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const fixable = diagnostics.filter((found) => found.fix);
  const fix = async (codes: string[]): Promise<void> => {
    try {
      const fixed = await api.fix(session.state.doc, codes);
      session.apply(fixed.document, text.editor.steps.fix);
    } catch (error) {
      toast(asProblem(error).message, "bad");
    }
  };
  return (
    <div className="problems">
      <div className="row head">
        <p className="grow quiet" role="status">
          {checking === "offline" ? text.problems.offline : diagnostics.length === 0 ? text.problems.none : text.problems.count(diagnostics.length)}
        </p>
        {fixable.length > 0 && (
          <Button small onClick={() => void fix([...new Set(fixable.map((found) => found.code))])}>
            {text.problems.fixAll(fixable.length)}
          </Button>
        )}
      </div>
      <ul>
        {sorted.map((found, n) => (
          <li key={`${found.code} ${found.pointer} ${n}`}>
            <DiagnosticRow found={found} {...(found.action !== null ? { onGo: () => reveal(found) } : {})} {...(found.fix ? { onFix: () => void fix([found.code]) } : {})} />
          </li>
        ))}
      </ul>
    </div>
  );

  /** Shows the block, and puts the focus into the argument the finding is about. */
  function reveal(found: Diagnostic): void {
    if (found.action === null) return;
    goTo(session, flow, found.action);
    const argument = /\/controls\/([^/]+)/.exec(found.pointer)?.[1];
    if (argument === undefined) return;
    requestAnimationFrame(() => {
      const labels = [...document.querySelectorAll<HTMLLabelElement>(".sidebar .control label")];
      const spec = session.catalogue.block(session.state.doc.actions.find((a) => a.id === found.action)?.type ?? "")?.controls.find((c) => c.name === argument);
      const label = labels.find((l) => l.textContent?.startsWith(spec?.label ?? argument));
      if (label?.htmlFor) document.getElementById(label.htmlFor)?.focus();
    });
  }
}
