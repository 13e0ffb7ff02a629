import type { FlowDocument } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import type { Change } from "../flow/diff";
import { linesOf, positionOf, titleOf } from "../flow/document";
import { shapeOf, sizeOf } from "../flow/geometry";

/** A small drawing of a flow, also what the picture export writes. Without a label it is decoration. */
export function Picture({ doc, catalogue, label, marks }: { doc: FlowDocument; catalogue: Catalogue; label: string; marks?: ReadonlyMap<string, Change> }) {
  const boxes = doc.actions.map((action) => {
    const [x, y] = positionOf(action);
    return { action, x, y, ...sizeOf(catalogue, action), shape: shapeOf(catalogue, action) };
  });
  const spoken = label === "" ? { "aria-hidden": true } : { role: "img", "aria-label": label };
  if (boxes.length === 0) return <svg {...spoken} />;
  const left = Math.min(...boxes.map((b) => b.x)) - 30;
  const top = Math.min(...boxes.map((b) => b.y)) - 30;
  const width = Math.max(...boxes.map((b) => b.x + b.width)) + 30 - left;
  const height = Math.max(...boxes.map((b) => b.y + b.height)) + 30 - top;
  const byId = new Map(boxes.map((b) => [b.action.id, b]));
  return (
    <svg className="picture" viewBox={`${left} ${top} ${width} ${height}`} {...spoken} preserveAspectRatio="xMidYMid meet">
      {linesOf(doc).map((line) => {
        const [a, b] = [byId.get(line.from), byId.get(line.to)];
        if (!a || !b) return null;
        const below = line.port === "failure" || line.port === "false";
        const [x1, y1] = below ? [a.x + a.width / 2, a.y + a.height] : [a.x + a.width, a.y + a.height / 2];
        const [x2, y2] = [b.x, b.y + b.height / 2];
        const bend = Math.max(50, Math.abs(x2 - x1) / 2);
        const path = below ? `M${x1} ${y1}C${x1} ${y1 + bend} ${x2 - bend} ${y2} ${x2} ${y2}` : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
        return <path key={`${line.from}:${line.port}`} className={below ? "wire bad" : "wire"} d={path} />;
      })}
      {boxes.map(({ action, x, y, width: w, height: h, shape }) => (
        <g key={action.id} className={marks ? `mark-${marks.get(action.id) ?? "same"}` : undefined}>
          {shape === "circle" ? (
            <circle className="shape" cx={x + w / 2} cy={y + h / 2} r={w / 2} />
          ) : shape === "diamond" ? (
            <path className="shape" d={`M${x} ${y + h / 2}L${x + w / 2} ${y}L${x + w} ${y + h / 2}L${x + w / 2} ${y + h}Z`} />
          ) : (
            <rect className="shape" x={x} y={y} width={w} height={h} rx={12} />
          )}
          <text x={x + w / 2} y={y + h / 2} textAnchor="middle" dominantBaseline="central">
            {short(titleOf(catalogue, action))}
          </text>
        </g>
      ))}
    </svg>
  );
}

function short(title: string): string {
  return title.length > 20 ? `${title.slice(0, 19)}…` : title;
}
