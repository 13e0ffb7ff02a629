import type { Diagnostic, FlowDocument } from "../src/api/types";
import type { Catalogue } from "../src/flow/catalogue";
import { END, START } from "../src/flow/document";
import { brokenReason, expressionsIn } from "../src/flow/expression";

/** A few of the validator's rules, enough to work on the Problems list; the server's validator decides. */
export function check(doc: FlowDocument, catalogue: Catalogue): Diagnostic[] {
  const found: Diagnostic[] = [];
  const say = (code: string, severity: Diagnostic["severity"], action: string | null, pointer: string, message: string, hint = ""): void => {
    found.push({ code, severity, action, pointer, message, hint, fix: null });
  };
  const count = (type: string): number => doc.actions.filter((a) => a.type === type).length;
  if (count(START) === 0) say("G101", "error", null, "/actions", "The flow has no Start.", "Drag Start from the sidebar.");
  if (count(END) === 0) say("G103", "warning", null, "/actions", "The flow has no End.");
  doc.actions.forEach((action, index) => {
    const at = `/actions/${index}`;
    const block = catalogue.block(action.type);
    if (!block) say("T201", "warning", action.id, `${at}/type`, `The type ${action.type} is not in the catalogue.`);
    for (const control of block?.controls ?? []) {
      const value = action.controls?.[control.name];
      if (control.required && (value === undefined || value === "")) {
        say("C301", "warning", action.id, `${at}/controls/${control.name}`, `${control.label} is required and empty.`);
      }
    }
    for (const [name, value] of Object.entries(action.controls ?? {})) {
      for (const text of expressionsIn(value)) {
        const broken = brokenReason(doc, action.id, text);
        if (broken) {
          say(broken === "missing" ? "X403" : "X404", "error", action.id, `${at}/controls/${name}`, `${text} refers to a block that ${broken === "missing" ? "does not exist" : "is not upstream"}.`);
        }
      }
    }
    for (const port of block?.ports ?? []) {
      if (!action.ports?.[port]) say("G111", port === "failure" || port === "false" ? "info" : "warning", action.id, `${at}/ports/${port}`, `The output ${port} is not connected.`);
    }
  });
  return found;
}
