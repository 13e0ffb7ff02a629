import type { Action, FlowDocument } from "../api/types";
import { actionOf, positionOf, START } from "./document";

/** Reading order for keyboards and screen readers: along the lines from Start, the good way first, then the rest by place. */
export function readingOrder(doc: FlowDocument): Action[] {
  const order: Action[] = [];
  const seen = new Set<string>();
  const visit = (root: Action): void => {
    const stack = [root];
    while (stack.length > 0) {
      const action = stack.pop();
      if (!action || seen.has(action.id)) continue;
      seen.add(action.id);
      order.push(action);
      const next = ["false", "failure", "true", "success", "done"].flatMap((port) => {
        const to = action.ports?.[port];
        const target = typeof to === "string" ? actionOf(doc, to) : undefined;
        return target ? [target] : [];
      });
      stack.push(...next);
    }
  };
  doc.actions.filter((action) => action.type === START).forEach(visit);
  const rest = doc.actions.filter((action) => !seen.has(action.id));
  rest.sort((a, b) => positionOf(a)[0] - positionOf(b)[0] || positionOf(a)[1] - positionOf(b)[1]).forEach(visit);
  return order;
}

/** The nearest block in a direction, or null. */
export function neighbour(doc: FlowDocument, id: string, direction: "left" | "right" | "up" | "down"): Action | null {
  const from = actionOf(doc, id);
  if (!from) return null;
  const [x, y] = positionOf(from);
  let best: { action: Action; cost: number } | null = null;
  for (const action of doc.actions) {
    if (action.id === id) continue;
    const dx = positionOf(action)[0] - x;
    const dy = positionOf(action)[1] - y;
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = direction === "left" || direction === "right" ? Math.abs(dy) : Math.abs(dx);
    if (along <= 0) continue;
    const cost = along + across * 2;
    if (!best || cost < best.cost) best = { action, cost };
  }
  return best?.action ?? null;
}
