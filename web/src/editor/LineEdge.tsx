import { BaseEdge, EdgeLabelRenderer, getBezierPath, getSmoothStepPath, Position, type EdgeProps } from "@xyflow/react";
import { memo, useState } from "react";
import type { Line } from "../flow/document";
import { text } from "../text/en";
import { useSession } from "./context";
import { useTrace } from "./useTrace";

export const LineEdge = memo(function LineEdge(props: EdgeProps) {
  const session = useSession();
  const [near, setNear] = useState(false);
  const trace = useTrace();
  const line = props.data?.["line"] as Line;
  const taken = trace?.lines.has(props.id) ?? false;
  const [path, x, y] = routed(props);
  const classes = ["wire", props.selected && "selected", near && "near", taken && "taken", trace && !taken && "not-taken", (line.port === "failure" || line.port === "false") && "bad"];
  return (
    <g onPointerEnter={() => setNear(true)} onPointerLeave={() => setNear(false)}>
      <BaseEdge path={path} className={classes.filter(Boolean).join(" ")} interactionWidth={22} />
      {(near || props.selected) && (
        <EdgeLabelRenderer>
          <button
            type="button"
            className="line-x nodrag nopan"
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
            aria-label={text.editor.removeLine}
            title={text.editor.removeLine}
            onPointerEnter={() => setNear(true)}
            onPointerLeave={() => setNear(false)}
            onClick={() => session.disconnect(line)}
          >
            ×
          </button>
        </EdgeLabelRenderer>
      )}
    </g>
  );
});

/** A curve forwards; a line that must go back runs between the rows instead of looping over blocks. */
function routed(props: EdgeProps): [string, number, number] {
  const { sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition } = props;
  const ends = { sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition };
  const back = sourcePosition === Position.Right && targetX < sourceX + 24 && Math.abs(targetY - sourceY) > 60;
  const [path, x, y] = back ? getSmoothStepPath({ ...ends, borderRadius: 22, offset: 28 }) : getBezierPath({ ...ends, curvature: 0.32 });
  return [path, x, y];
}
