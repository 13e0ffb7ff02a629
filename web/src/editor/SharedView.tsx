import type { ReactNode } from "react";
import type { FlowDocument, Json } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import type { Share, SharedBlock, SharedStep } from "../flow/share";
import { Picture } from "../flows/Picture";
import { text } from "../text/en";
import { exact } from "../ui/time";
import type { TraceView } from "./trace";

const T = text.share;

/** A flow and the way a run took, to be read only: the same in the dialog and in the file. */
export function SharedView({ share, doc, trace, catalogue }: { share: Share; doc: FlowDocument; trace: TraceView | null; catalogue: Catalogue }) {
  const { flow, run, blocks } = share;
  const steps = run?.trace.filter((step) => step.phase !== "enter") ?? [];
  return (
    <article className="shared">
      <h1>{flow.name}</h1>
      <p className="facts-line">
        {[catalogue.sourceLabel(flow.source), flow.event, T.version(flow.version, flow.saved), flow.id].filter(Boolean).join(" · ")}
      </p>
      <p className="masked">{T.masked}</p>
      <Picture doc={doc} catalogue={catalogue} label={flow.name} run={trace} />
      {run && (
        <section>
          <h2>
            {T.run} <small>{text.test.status[run.status] ?? run.status}</small>
          </h2>
          <p className="facts-line">{[run.startedAt === null ? "" : exact(run.startedAt), run.flowVersion === null ? "" : T.ofVersion(run.flowVersion), run.waitsFor === null ? "" : T.waits(run.waitsFor), run.id].filter(Boolean).join(" · ")}</p>
          {run.event && <Values title={T.event([run.event.source, run.event.name].join(" "))} value={{ payload: run.event.payload, contact: run.event.contact, agent: run.event.agent }} />}
          <Rows columns={T.stepColumns}>
            {steps.map((step, n) => (
              <Step key={n} step={step} />
            ))}
          </Rows>
        </section>
      )}
      <section>
        <h2>{T.blocks}</h2>
        <Rows columns={T.blockColumns}>
          {blocks.map((block) => (
            <Block key={block.id} block={block} />
          ))}
        </Rows>
      </section>
    </article>
  );
}

function Rows({ columns, children }: { columns: readonly string[]; children: ReactNode }) {
  return (
    <table>
      <thead>
        <tr>
          {columns.map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

function Step({ step }: { step: SharedStep }) {
  return (
    <tr className={step.exception ? "bad" : undefined}>
      <td>{T.time(Math.round(step.tMs), step.durationMs)}</td>
      <th scope="row">
        {step.phase === "end" ? text.trace.end : (step.title ?? step.action)} <small>{step.phase === "end" ? "" : step.action}</small>
      </th>
      <td>
        {step.exception ? "✕ " : step.phase === "exit" ? "✓ " : ""}
        {[step.port ? (text.ports[step.port] ?? step.port) : (step.outcome ?? ""), step.next ? `→ ${step.next}` : ""].filter(Boolean).join(" ")}
      </td>
      <td>
        <Values title={text.trace.inputs} value={step.inputs} />
        <Values title={text.trace.results} value={step.results} />
        {step.unresolved.length > 0 && (
          <p>
            {text.trace.notFound}: <code>{step.unresolved.join(", ")}</code>
          </p>
        )}
        {step.exception && (
          <p>
            <strong>{step.exception.name}</strong> {step.exception.message}
          </p>
        )}
        {step.note && <p>{step.note}</p>}
      </td>
    </tr>
  );
}

function Block({ block }: { block: SharedBlock }) {
  const ways = Object.entries(block.ports).map(([port, to]) => `${text.ports[port] ?? port} → ${to}`);
  return (
    <tr>
      <th scope="row">
        {block.title} <small>{block.id}</small>
      </th>
      <td>
        <code>{block.type}</code>
      </td>
      <td>{ways.join(", ")}</td>
      <td>
        <Values title="" value={block.arguments} />
      </td>
    </tr>
  );
}

/** Paths to what stands at the ends: `contact.attributes.tier ‹text, 4 characters›`. */
function Values({ title, value }: { title: string; value: Json }) {
  const rows = flat(value, "");
  if (rows.length === 0) return null;
  return (
    <div>
      {title && <p className="name">{title}</p>}
      <dl>
        {rows.map(([path, said], n) => (
          <div key={n}>
            {path && <dt>{path}</dt>}
            <dd>{said}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function flat(value: Json, path: string): [string, string][] {
  if (value === null) return path === "" ? [] : [[path, T.nothing]];
  if (typeof value !== "object") return [[path, String(value)]];
  const inner: [string, Json][] = Array.isArray(value) ? value.map((item, n): [string, Json] => [`${path}[${n}]`, item]) : Object.entries(value).map(([key, item]): [string, Json] => [path === "" ? key : `${path}.${key}`, item]);
  if (inner.length === 0) return path === "" ? [] : [[path, Array.isArray(value) ? T.emptyList : T.emptyMap]];
  return inner.flatMap(([name, item]) => flat(item, name));
}
