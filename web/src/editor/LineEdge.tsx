import { BaseEdge, EdgeLabelRenderer, getBezierPath, type EdgeProps } from "@xyflow/react";
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
  const [path, x, y] = getBezierPath({
    sourceX: props.sourceX,
    sourceY: props.sourceY,
    targetX: props.targetX,
    targetY: props.targetY,
    sourcePosition: props.sourcePosition,
    targetPosition: props.targetPosition,
    curvature: 0.32,
  });
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
