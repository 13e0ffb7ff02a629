import { getBezierPath, Position, useReactFlow, ViewportPortal } from "@xyflow/react";
import { useEffect, useState } from "react";
import { isBad } from "../flow/geometry";
import { useEditor, useSession } from "./context";

interface Place {
  x: number;
  y: number;
}

/** The blue line between the first click and the second: it follows the mouse, or the block the keys point at. */
export function DrawnLine() {
  const session = useSession();
  const drawing = useEditor((s) => s.connecting);
  const flow = useReactFlow();
  const [mouse, setMouse] = useState<Place | null>(null);
  useEffect(() => {
    if (!drawing) {
      setMouse(null);
      return;
    }
    const follow = (event: PointerEvent): void => setMouse(flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }, { snapToGrid: false }));
    const stop = (event: KeyboardEvent): void => {
      if (event.key === "Escape") session.store.set({ connecting: null });
    };
    window.addEventListener("pointermove", follow);
    window.addEventListener("keydown", stop);
    return () => {
      window.removeEventListener("pointermove", follow);
      window.removeEventListener("keydown", stop);
    };
  }, [drawing, flow, session]);
  if (!drawing) return null;
  const from = socketPlace(flow, drawing.end.id, drawing.end.port);
  const to = drawing.hover !== null ? socketPlace(flow, drawing.hover, null) : mouse;
  if (!from || !to) return null;
  const isInput = drawing.end.port === null;
  const side = isInput ? Position.Left : isBad(drawing.end.port ?? "") ? Position.Bottom : Position.Right;
  const [path] = getBezierPath({
    sourceX: from.x,
    sourceY: from.y,
    sourcePosition: side,
    targetX: to.x,
    targetY: to.y,
    targetPosition: isInput ? Position.Right : Position.Left,
  });
  return (
    <ViewportPortal>
      <svg className="drawn-line" aria-hidden="true">
        <path d={path} />
        <circle cx={to.x} cy={to.y} r={5} />
      </svg>
    </ViewportPortal>
  );
}

function socketPlace(flow: ReturnType<typeof useReactFlow>, id: string, port: string | null): Place | null {
  const node = flow.getInternalNode(id);
  const bounds = node?.internals.handleBounds?.[port === null ? "target" : "source"];
  const handle = bounds?.find((h) => h.id === (port ?? "in"));
  if (!node) return null;
  const { x, y } = node.internals.positionAbsolute;
  if (!handle) return { x, y: y + (node.height ?? 100) / 2 };
  return { x: x + handle.x + handle.width / 2, y: y + handle.y + handle.height / 2 };
}
