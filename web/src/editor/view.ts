import { useReactFlow, useStore } from "@xyflow/react";
import { useEffect, useRef } from "react";

/** How a flow is shown whole. */
export const FIT = { padding: 0.1, maxZoom: 1, minZoom: 0.25 };

/** Keeps the middle of the stage where it is when a panel or the window takes or gives room. */
export function useSteadyView(): void {
  const flow = useReactFlow();
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  const before = useRef({ width: 0, height: 0 });
  useEffect(() => {
    const old = before.current;
    before.current = { width, height };
    if (old.width === 0 || old.height === 0 || width === 0 || height === 0) return;
    const { x, y, zoom } = flow.getViewport();
    void flow.setViewport({ x: x + (width - old.width) / 2, y: y + (height - old.height) / 2, zoom });
  }, [flow, width, height]);
}
