import type { NewRule } from "../api/console";

const NUMBERS = ["share", "count", "skip"];

/** `status=503,object=Case,share=0.2` as the rule that it says. */
export function ruleOf(text: string): NewRule {
  const [what = "", ...limits] = text.split(",").map((part) => part.trim());
  const given = limits.map((limit) => {
    const [name = "", value = ""] = limit.split("=", 2);
    return [name, NUMBERS.includes(name) ? Number(value) : value];
  });
  return { do: what, ...Object.fromEntries(given) };
}
