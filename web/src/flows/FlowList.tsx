import { useMemo, useState } from "react";
import { api } from "../api/client";
import type { FlowSummary } from "../api/types";
import { go, href, setQuery, usePlace } from "../app/router";
import type { Catalogue } from "../flow/catalogue";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { ask } from "../ui/confirm";
import { Icon } from "../ui/Icon";
import { Menu } from "../ui/Menu";
import { Empty, ProblemView } from "../ui/states";
import { Table, TableSkeleton, type Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { Ago, asMillis } from "../ui/time";
import { toast } from "../ui/toast";
import { useLoad } from "../ui/useLoad";
import { FlowForm } from "./FlowForm";
import { ImportDialog } from "./ImportDialog";
import { TemplateGallery } from "./TemplateGallery";

const T = text.flows;

export function FlowList({ catalogue }: { catalogue: Catalogue }) {
  const loaded = useLoad("flows", (signal) => api.flows(signal));
  const { query } = usePlace();
  const [open, setOpen] = useState<"new" | "upload" | "templates" | File | null>(null);
  const filter = { q: query.get("q") ?? "", source: query.get("source") ?? "", state: query.get("state") ?? "" };
  const narrow = (patch: Partial<typeof filter>): void => setQuery({ ...filter, ...patch });
  const flows = loaded.value ?? [];
  const rows = useMemo(() => flows.filter((flow) => fits(flow, filter, catalogue)), [flows, filter.q, filter.source, filter.state, catalogue]);
  const doubled = useMemo(() => doubledEvents(flows), [flows]);
  const columns = useColumns(catalogue, doubled, loaded.again);
  const buttons = (
    <>
      <Button icon="star" onClick={() => setOpen("templates")}>
        {T.templates}
      </Button>
      <Button icon="upload" onClick={() => setOpen("upload")}>
        {T.upload}
      </Button>
      <Button kind="primary" icon="plus" onClick={() => setOpen("new")}>
        {T.new}
      </Button>
    </>
  );
  return (
    <div
      className="page"
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        setOpen(event.dataTransfer.files[0] ?? null);
      }}
    >
      <header className="page-head">
        <div className="grow">
          <h1>{T.title}</h1>
          <p>{T.lead}</p>
        </div>
        <div className="row">{buttons}</div>
      </header>
      <div className="card">
        {flows.length > 0 && <Filters filter={filter} narrow={narrow} catalogue={catalogue} />}
        {loaded.state === "failed" && flows.length === 0 ? (
          <ProblemView problem={loaded.problem} again={loaded.again} />
        ) : loaded.state === "loading" && loaded.value === null ? (
          <TableSkeleton columns={6} />
        ) : flows.length === 0 ? (
          <Empty icon="flow" title={T.emptyTitle} actions={buttons}>
            {T.emptyBody}
          </Empty>
        ) : rows.length === 0 ? (
          <Empty icon="search" title={T.noMatch} actions={<Button onClick={() => setQuery({})}>{text.common.clear}</Button>}>
            {T.noMatchBody}
          </Empty>
        ) : (
          <Table label={T.title} rows={rows} columns={columns} id={(flow) => flow.id} initial={{ key: "updated", down: true }} />
        )}
      </div>
      {open === "new" && <FlowForm catalogue={catalogue} onClose={() => setOpen(null)} onDone={(flow) => go(["flows", flow.id])} />}
      {(open === "upload" || open instanceof File) && <ImportDialog catalogue={catalogue} dropped={open === "upload" ? undefined : open} onClose={() => setOpen(null)} />}
      {open === "templates" && <TemplateGallery catalogue={catalogue} onClose={() => setOpen(null)} />}
    </div>
  );
}

interface Filter {
  q: string;
  source: string;
  state: string;
}

function fits(flow: FlowSummary, filter: Filter, catalogue: Catalogue): boolean {
  if ((filter.state === "deleted") !== (flow.deletedAt !== null)) return false;
  if (filter.state === "active" && !flow.active) return false;
  if (filter.state === "inactive" && flow.active) return false;
  if (filter.source !== "" && flow.source !== filter.source) return false;
  const all = [flow.name, flow.adapter, flow.description, flow.event, catalogue.sourceLabel(flow.source)].join(" ").toLowerCase();
  return filter.q.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/** Events on which two active flows stand; they run in their order, which is seldom meant. */
function doubledEvents(flows: FlowSummary[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const flow of flows) {
    if (!flow.active || flow.deletedAt !== null || flow.source === "ctiAction") continue;
    const key = `${flow.source} ${flow.event}`;
    if (seen.has(key)) twice.add(key);
    seen.add(key);
  }
  return twice;
}

function Filters({ filter, narrow, catalogue }: { filter: Filter; narrow: (patch: Partial<Filter>) => void; catalogue: Catalogue }) {
  return (
    <div className="filters">
      <label className="search-box">
        <Icon name="search" />
        <span className="hidden">{T.searchLabel}</span>
        <input className="input" type="search" placeholder={T.searchLabel} value={filter.q} onChange={(event) => narrow({ q: event.target.value })} />
      </label>
      <select className="input" aria-label={T.columns.source} value={filter.source} onChange={(event) => narrow({ source: event.target.value })}>
        <option value="">{T.anySource}</option>
        {catalogue.sources.map((source) => (
          <option key={source.id} value={source.id}>
            {source.label}
          </option>
        ))}
      </select>
      <select className="input" aria-label={T.stateLabel} value={filter.state} onChange={(event) => narrow({ state: event.target.value })}>
        <option value="">{T.anyState}</option>
        <option value="active">{T.active}</option>
        <option value="inactive">{T.inactive}</option>
        <option value="deleted">{T.deleted}</option>
      </select>
    </div>
  );
}

function useColumns(catalogue: Catalogue, doubled: Set<string>, again: () => void): Column<FlowSummary>[] {
  return useMemo(
    () => [
      {
        key: "name",
        title: T.columns.name,
        sort: (flow) => flow.name,
        cell: (flow) => (
          <div className="flow-name">
            <a href={href(["flows", flow.id])}>{flow.name}</a>
            {flow.description && <span className="faint clip">{flow.description}</span>}
          </div>
        ),
      },
      {
        key: "event",
        title: T.columns.event,
        sort: (flow) => `${catalogue.sourceLabel(flow.source)} ${flow.event}`,
        cell: (flow) => (
          <div className="flow-event">
            <span className="one-line">{catalogue.sourceLabel(flow.source)}</span>
            <span className="row">
              {flow.event && <code>{flow.event}</code>}
              {flow.active && doubled.has(`${flow.source} ${flow.event}`) && (
                <span className="badge warn" title={T.doubled}>
                  <Icon name="warn" size={12} /> 2×
                </span>
              )}
            </span>
          </div>
        ),
      },
      { key: "state", title: T.columns.state, sort: (flow) => (flow.active ? 0 : 1), cell: (flow) => <StateBadge flow={flow} /> },
      { key: "problems", title: T.columns.problems, sort: (flow) => -flow.problems.errors * 1000 - flow.problems.warnings, cell: (flow) => <ProblemCount problems={flow.problems} /> },
      { key: "order", title: T.columns.order, numeric: true, sort: (flow) => flow.order, cell: (flow) => flow.order },
      { key: "updated", title: T.columns.updated, sort: (flow) => asMillis(flow.updatedAt), cell: (flow) => <span className="quiet"><Ago at={flow.updatedAt} /></span> },
      { key: "more", title: "", width: "48px", cell: (flow) => <RowMenu flow={flow} again={again} /> },
    ],
    [catalogue, doubled, again],
  );
}

export function StateBadge({ flow }: { flow: FlowSummary }) {
  if (flow.deletedAt !== null) return <span className="badge bad">{T.deleted}</span>;
  if (!flow.active) return <span className="badge">{T.inactive}</span>;
  return (
    <span className="row">
      <span className="badge good">
        <Icon name="check" size={12} /> {T.active}
      </span>
      {flow.activeVersion !== null && flow.activeVersion < flow.draftVersion && <span className="faint">{T.draftAhead}</span>}
    </span>
  );
}

export function ProblemCount({ problems }: { problems: FlowSummary["problems"] }) {
  if (problems.errors > 0) {
    return (
      <span className="badge bad">
        <Icon name="error" size={12} /> {T.errors(problems.errors)}
      </span>
    );
  }
  if (problems.warnings > 0) {
    return (
      <span className="badge warn">
        <Icon name="warn" size={12} /> {T.warnings(problems.warnings)}
      </span>
    );
  }
  return <span className="faint one-line">{T.noProblems}</span>;
}

function RowMenu({ flow, again }: { flow: FlowSummary; again: () => void }) {
  return (
    <Menu
      label={`${text.common.more}: ${flow.name}`}
      trigger={<Icon name="more" />}
      className="btn icon ghost small"
      items={
        flow.deletedAt !== null
          ? [{ label: T.restore, icon: "history", run: () => void restoreFlow(flow, again) }]
          : [
              { label: T.clone, icon: "copy", run: () => void cloneFlow(flow, again) },
              "rule",
              { label: T.delete, icon: "trash", danger: true, run: () => void deleteFlow(flow, again) },
            ]
      }
    />
  );
}

export async function restoreFlow(flow: FlowSummary, done: () => void): Promise<void> {
  await tell(api.restoreFlow(flow.id).then(() => toast(T.restored(flow.name), "good")));
  done();
}

export async function cloneFlow(flow: FlowSummary, done: (copy: FlowSummary) => void): Promise<void> {
  await tell(
    api.cloneFlow(flow.id).then((copy) => {
      toast(T.cloned(copy.name), "good");
      done(copy);
    }),
  );
}

/** Deletes after a question, and offers the way back at once. */
export async function deleteFlow(flow: FlowSummary, done: () => void, back: () => void = done): Promise<void> {
  const sure = await ask({ title: T.deleteTitle(flow.name), body: T.deleteBody, action: T.delete, danger: true });
  if (sure === null) return;
  await tell(
    api.deleteFlow(flow.id).then(() => {
      toast(T.deletedToast(flow.name), "plain", { label: text.common.undo, run: () => void restoreFlow(flow, back) });
      done();
    }),
  );
}
