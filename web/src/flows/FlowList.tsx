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
import { Empty, Notice, ProblemView } from "../ui/states";
import { Table, TableSkeleton, type Column } from "../ui/Table";
import { tell } from "../ui/tell";
import { Ago, asMillis } from "../ui/time";
import { toast } from "../ui/toast";
import { useLoad } from "../ui/useLoad";
import { FlowForm } from "./FlowForm";
import { ImportDialog } from "./ImportDialog";
import { eventsOf, failureRate, fits, hasFailed, healthOf, sharingFlows, type Filter, type Health } from "./list";
import { TemplateGallery } from "./TemplateGallery";

const T = text.flows;

export function FlowList({ catalogue }: { catalogue: Catalogue }) {
  const loaded = useLoad("flows", (signal) => api.flows(signal));
  const { query } = usePlace();
  const [open, setOpen] = useState<"new" | "upload" | "templates" | File | null>(null);
  const filter: Filter = { q: query.get("q") ?? "", source: query.get("source") ?? "", event: query.get("event") ?? "", state: query.get("state") ?? "" };
  const narrow = (patch: Partial<Filter>): void => setQuery({ ...filter, ...patch });
  const flows = loaded.value ?? [];
  const sharing = useMemo(() => sharingFlows(flows), [flows]);
  const rows = useMemo(
    () => flows.filter((flow) => fits(flow, filter, catalogue, sharing)),
    [flows, filter.q, filter.source, filter.event, filter.state, catalogue, sharing],
  );
  // The flows are shown without waiting for how they ran.
  const runs = useLoad("latest runs", (signal) => api.latestRuns(signal));
  const health = useMemo(() => healthOf(runs.value ?? []), [runs.value]);
  const columns = useColumns(catalogue, sharing, health, loaded.again);
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
        {sharing.size > 0 && filter.state !== "sharing" && (
          <Notice
            tone="warn"
            action={
              <Button small onClick={() => setQuery({ state: "sharing" })}>
                {T.showSharing}
              </Button>
            }
          >
            {T.sharingNotice(sharing.size)}
          </Notice>
        )}
        {loaded.state === "failed" && flows.length === 0 ? (
          <ProblemView problem={loaded.problem} again={loaded.again} />
        ) : loaded.state === "loading" && loaded.value === null ? (
          <TableSkeleton columns={7} />
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

function Filters({ filter, narrow, catalogue }: { filter: Filter; narrow: (patch: Partial<Filter>) => void; catalogue: Catalogue }) {
  const events = eventsOf(catalogue, filter.source);
  const chooseSource = (source: string): void => narrow({ source, event: eventsOf(catalogue, source).includes(filter.event) ? filter.event : "" });
  return (
    <div className="filters">
      <label className="search-box">
        <Icon name="search" />
        <span className="hidden">{T.searchLabel}</span>
        <input className="input" type="search" placeholder={T.searchLabel} value={filter.q} onChange={(event) => narrow({ q: event.target.value })} />
      </label>
      <select className="input" aria-label={T.columns.source} value={filter.source} onChange={(event) => chooseSource(event.target.value)}>
        <option value="">{T.anySource}</option>
        {catalogue.sources.map((source) => (
          <option key={source.id} value={source.id}>
            {source.label}
          </option>
        ))}
      </select>
      <select className="input" aria-label={T.columns.event} value={filter.event} disabled={events.length === 0} onChange={(event) => narrow({ event: event.target.value })}>
        <option value="">{T.anyEvent}</option>
        {events.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <select className="input" aria-label={T.stateLabel} value={filter.state} onChange={(event) => narrow({ state: event.target.value })}>
        <option value="">{T.anyState}</option>
        <option value="active">{T.active}</option>
        <option value="inactive">{T.inactive}</option>
        <option value="sharing">{T.sharing}</option>
        <option value="deleted">{T.deleted}</option>
      </select>
    </div>
  );
}

function useColumns(catalogue: Catalogue, sharing: ReadonlyMap<string, string[]>, health: ReadonlyMap<string, Health>, again: () => void): Column<FlowSummary>[] {
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
        sort: (flow) => `${catalogue.sourceLabel(flow.source)} ${flow.event} ${String(flow.order).padStart(4, "0")}`,
        cell: (flow) => (
          <div className="flow-event">
            <span className="one-line">{catalogue.sourceLabel(flow.source)}</span>
            <span className="row">
              {flow.event && <code>{flow.event}</code>}
              <Sharing flow={flow} others={sharing.get(flow.id) ?? []} />
            </span>
          </div>
        ),
      },
      { key: "state", title: T.columns.state, sort: (flow) => (flow.active ? 0 : 1), cell: (flow) => <StateBadge flow={flow} /> },
      { key: "problems", title: T.columns.problems, sort: (flow) => -flow.problems.errors * 1000 - flow.problems.warnings, cell: (flow) => <ProblemCount problems={flow.problems} /> },
      {
        key: "last",
        title: T.columns.last,
        sort: (flow) => asMillis(health.get(flow.id)?.last.startedAt ?? 0),
        cell: (flow) => <LastRun flow={flow} health={health.get(flow.id)} />,
      },
      { key: "failed", title: T.columns.failed, numeric: true, sort: (flow) => failureRate(health.get(flow.id)) ?? -1, cell: (flow) => <Failures health={health.get(flow.id)} /> },
      { key: "updated", title: T.columns.updated, sort: (flow) => asMillis(flow.updatedAt), cell: (flow) => <span className="quiet"><Ago at={flow.updatedAt} /></span> },
      { key: "more", title: "", width: "48px", cell: (flow) => <RowMenu flow={flow} again={again} /> },
    ],
    [catalogue, sharing, health, again],
  );
}

/** Others that run on the same event too, and at which place among them this one stands. */
function Sharing({ flow, others }: { flow: FlowSummary; others: string[] }) {
  if (others.length === 0) return null;
  return (
    <span className="badge warn" title={T.alsoActive(others)}>
      <Icon name="warn" size={12} /> {T.sharedBy(others.length + 1, flow.order)}
      <span className="hidden"> {T.alsoActive(others)}</span>
    </span>
  );
}

/** How it ended and when; leads to its trace on the stage. */
function LastRun({ flow, health }: { flow: FlowSummary; health: Health | undefined }) {
  if (!health) return <span className="faint one-line">{T.noRuns}</span>;
  const { id, status, startedAt } = health.last;
  const bad = hasFailed(health.last);
  return (
    <a className="last-run" href={href(["flows", flow.id, "editor"], { run: id })} title={T.openRun}>
      <span className={`badge ${bad ? "bad" : status === "completed" ? "good" : ""}`}>
        {bad ? <Icon name="error" size={12} /> : status === "completed" && <Icon name="check" size={12} />} {T.runs[status] ?? status}
      </span>
      <span className="faint one-line">
        <Ago at={startedAt} />
      </span>
    </a>
  );
}

function Failures({ health }: { health: Health | undefined }) {
  const rate = failureRate(health);
  if (!health || rate === null) return <span className="faint">—</span>;
  return (
    <span className={rate > 0 ? "failures some" : "failures"} title={T.failuresOf(health.failed, health.ended)}>
      {T.percent(rate)} <span className="faint">{T.ofRuns(health.failed, health.ended)}</span>
    </span>
  );
}

export function StateBadge({ flow }: { flow: FlowSummary }) {
  if (flow.deletedAt !== null) return <span className="badge bad">{T.deleted}</span>;
  if (!flow.active) return <span className="badge">{T.inactive}</span>;
  return (
    <span className="row flow-state">
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
