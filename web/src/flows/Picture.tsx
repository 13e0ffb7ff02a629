import type { FlowDocument } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import type { Change } from "../flow/diff";
import { lineId, linesOf, titleOf } from "../flow/document";
import { boxOf, isBad, shapeOf } from "../flow/geometry";
import { routesOf } from "../flow/routing";
import "./picture.css";

/** Room for the lines that go round the outer blocks. */
const MARGIN = 48;

/** Letters that fit a block. */
const LINE = 22;

/** What a run did, as far as a drawing shows it. */
interface Ran {
  steps: ReadonlyMap<string, { state: "running" | "success" | "failure" }>;
  lines: ReadonlySet<string>;
}

const SIGN = { success: "✓", failure: "✕", running: "…" };

interface Props {
  doc: FlowDocument;
  catalogue: Catalogue;
  label: string;
  marks?: ReadonlyMap<string, Change>;
  run?: Ran | null;
}

/** A small drawing of a flow, also what the picture export writes. Without a label it is decoration. */
export function Picture({ doc, catalogue, label, marks, run }: Props) {
  const boxes = doc.actions.map((action) => ({ action, ...boxOf(catalogue, action), shape: shapeOf(catalogue, action) }));
  const spoken = label === "" ? { "aria-hidden": true } : { role: "img", "aria-label": label };
  if (boxes.length === 0) return <svg {...spoken} />;
  const left = Math.min(...boxes.map((b) => b.x)) - MARGIN;
  const top = Math.min(...boxes.map((b) => b.y)) - MARGIN;
  const width = Math.max(...boxes.map((b) => b.x + b.width)) + MARGIN - left;
  const height = Math.max(...boxes.map((b) => b.y + b.height)) + MARGIN - top;
  const routes = routesOf(doc, catalogue);
  return (
    <svg className="picture" viewBox={`${left} ${top} ${width} ${height}`} {...spoken} preserveAspectRatio="xMidYMid meet">
      {linesOf(doc).map((line) => {
        const route = routes.get(lineId(line));
        const classes = ["wire", isBad(line.port) && "bad", run && !run.lines.has(lineId(line)) && "not-taken"];
        return route && <path key={lineId(line)} className={classes.filter(Boolean).join(" ")} d={route.path} />;
      })}
      {boxes.map(({ action, x, y, width: w, height: h, shape }) => (
        <g key={action.id} className={marks ? `mark-${marks.get(action.id) ?? "same"}` : run ? ranClass(run, action.id) : undefined}>
          {shape === "circle" ? (
            <circle className="shape" cx={x + w / 2} cy={y + h / 2} r={w / 2} />
          ) : shape === "diamond" ? (
            <path className="shape" d={`M${x} ${y + h / 2}L${x + w / 2} ${y}L${x + w} ${y + h / 2}L${x + w / 2} ${y + h}Z`} />
          ) : (
            <rect className="shape" x={x} y={y} width={w} height={h} rx={12} />
          )}
          <text textAnchor="middle" dominantBaseline="central">
            {inLines(titleOf(catalogue, action)).map((words, n, all) => (
              <tspan key={n} x={x + w / 2} y={y + h / 2 + (n - (all.length - 1) / 2) * 24}>
                {words}
              </tspan>
            ))}
          </text>
          {run?.steps.has(action.id) && (
            <text textAnchor="end" x={x + w - (shape === "circle" ? 0 : 8)} y={y + (shape === "circle" ? 4 : 24)}>
              {SIGN[run.steps.get(action.id)?.state ?? "running"]}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

function ranClass(run: Ran, id: string): string {
  const step = run.steps.get(id);
  return step ? `ran-${step.state}` : "not-run";
}

/** Two lines at most, broken between words. */
function inLines(title: string): string[] {
  const lines: string[] = [];
  for (const word of title.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && (last.length + word.length < LINE || lines.length === 2)) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => (line.length > LINE ? `${line.slice(0, LINE - 1)}…` : line));
}
