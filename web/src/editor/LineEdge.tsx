import { BaseEdge, EdgeLabelRenderer, type Edge, type EdgeProps } from "@xyflow/react";
import { memo, useMemo, useState } from "react";
import type { Line } from "../flow/document";
import { boxOf, isBad } from "../flow/geometry";
import { route, type Route } from "../flow/routing";
import { text } from "../text/en";
import { useSession } from "./context";
import { useTrace } from "./useTrace";

export type LineEdgeType = Edge<{ line: Line; route: Route | undefined; crowded: boolean }, "line">;

export const LineEdge = memo(function LineEdge(props: EdgeProps<LineEdgeType>) {
  const session = useSession();
  const [hovered, setHovered] = useState(false);
  const trace = useTrace();
  const taken = trace?.lines.has(props.id) ?? false;
  const { path, middle } = useRoute(props);
  const line = props.data?.line;
  if (!line) return null;
  const classes = ["wire", props.selected && "selected", hovered && "near", taken && "taken", trace && !taken && "not-taken", isBad(line.port) && "bad"];
  return (
    <g onPointerEnter={() => setHovered(true)} onPointerLeave={() => setHovered(false)}>
      <BaseEdge path={path} className={classes.filter(Boolean).join(" ")} interactionWidth={22} />
      {(hovered || props.selected) && (
        <EdgeLabelRenderer>
          <button
            type="button"
            className="line-x nodrag nopan"
            style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y}px)` }}
            aria-label={text.editor.removeLine}
            title={text.editor.removeLine}
            onPointerEnter={() => setHovered(true)}
            onPointerLeave={() => setHovered(false)}
            onClick={() => session.disconnect(line)}
          >
            ×
          </button>
        </EdgeLabelRenderer>
      )}
    </g>
  );
});

/** The way chosen for the whole flow; while a block is being dragged, its lines find their own round the blocks that stand still. */
function useRoute({ data, source, target, sourceX, sourceY, targetX, targetY }: EdgeProps<LineEdgeType>): Route {
  const session = useSession();
  const chosen = data?.route;
  const isStill = chosen !== undefined && near(chosen.from.x, sourceX) && near(chosen.from.y, sourceY) && near(chosen.to.x, targetX) && near(chosen.to.y, targetY);
  return useMemo(() => {
    if (isStill) return chosen;
    const others = data?.crowded ? [] : session.state.doc.actions.filter((action) => action.id !== source && action.id !== target);
    const ends = { from: { x: sourceX, y: sourceY }, side: isBad(data?.line.port ?? "") ? ("below" as const) : ("right" as const), to: { x: targetX, y: targetY } };
    return route(ends, others.map((action) => boxOf(session.catalogue, action)));
  }, [isStill, chosen, session, data, source, target, sourceX, sourceY, targetX, targetY]);
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < 2;
}
