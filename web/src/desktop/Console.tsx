import { useState } from "react";
import { api } from "../api/client";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Empty, ProblemView } from "../ui/states";
import { usePick } from "../ui/store";
import { tell } from "../ui/tell";
import { useLoad } from "../ui/useLoad";
import type { ConsoleTab, TabContent } from "./model";
import { HOME_TAB, type SimDesktop } from "./sim";
import { openRecord } from "./simSalesforce";

const T = text.desktop;

export function Console({ desktop }: { desktop: SimDesktop }) {
  const tabs = usePick(desktop.store, (s) => s.tabs);
  const active = usePick(desktop.store, (s) => s.activeTab);
  const tab = tabs.find((t) => t.id === active);
  const choose = (id: string): void => {
    desktop.store.set({ activeTab: id });
    const content = desktop.state.tabs.find((t) => t.id === id)?.content;
    const recordId = content?.kind === "record" ? content.recordId : null;
    void desktop.raise("salesforceUi", "onNavigationChange", null, { url: id, recordId, recordName: null, objectType: null, accountOrContactId: recordId });
  };
  const shown: ConsoleTab[] = [{ id: HOME_TAB, parent: null, title: T.home, url: "", content: { kind: "search", text: "" } }, ...tabs];
  return (
    <section className="console" aria-label={T.console}>
      <div className="console-tabs" role="tablist" aria-label={T.recordTabs}>
        {shown.map((t) => (
          <button
            key={t.id}
            type="button"
            role="tab"
            id={`ct-${t.id}`}
            className={t.id === active ? "console-tab active" : "console-tab"}
            data-parent={t.parent ?? undefined}
            aria-selected={t.id === active}
            aria-controls="console-body"
            title={t.id === HOME_TAB ? undefined : T.closeHint}
            onClick={() => choose(t.id)}
            onKeyDown={(event) => {
              if (event.key === "Delete" && t.id !== HOME_TAB) desktop.closeTab(t.id);
            }}
          >
            <Icon name={t.id === HOME_TAB ? "search" : t.content.kind === "record" ? "person" : "browser"} size={14} />
            <span className="clip">{t.title}</span>
            {t.id !== HOME_TAB && (
              <span
                className="x"
                aria-hidden="true"
                onClick={(event) => {
                  event.stopPropagation();
                  desktop.closeTab(t.id);
                }}
              >
                <Icon name="close" size={12} />
              </span>
            )}
          </button>
        ))}
      </div>
      <div className="console-body" id="console-body" role="tabpanel" aria-labelledby={`ct-${active}`} tabIndex={0}>
        {tab ? <Content key={tab.id} content={tab.content} desktop={desktop} /> : <Home desktop={desktop} />}
      </div>
    </section>
  );
}

function Content({ content, desktop }: { content: TabContent; desktop: SimDesktop }) {
  switch (content.kind) {
    case "record":
      return <RecordView id={content.recordId} desktop={desktop} />;
    case "search":
      return <Found query={content.text} desktop={desktop} />;
    case "new":
      return (
        <div className="record-view">
          <h2>{T.newTab(content.entity)}</h2>
          <p className="quiet">{T.newBody}</p>
          <FieldList fields={content.defaults} desktop={desktop} />
        </div>
      );
    case "url":
      return (
        <Empty icon="link" title={T.urlTitle}>
          <a href={content.url} target="_blank" rel="noopener noreferrer">
            {content.url}
          </a>
        </Empty>
      );
    case "list":
      return <Empty icon="list" title={T.listTab(content.scope || content.listId)}>{T.listBody}</Empty>;
    case "home":
      return <Empty icon="list" title={T.listTab(content.scope)}>{T.listBody}</Empty>;
  }
}

function Home({ desktop }: { desktop: SimDesktop }) {
  const [typed, setTyped] = useState("");
  const [query, setQuery] = useState("");
  return (
    <div className="record-view">
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery(typed.trim());
        }}
      >
        <span className="search-box full grow">
          <Icon name="search" />
          <input className="input" type="search" aria-label={T.searchRecords} placeholder={T.searchRecords} value={typed} onChange={(event) => setTyped(event.target.value)} />
        </span>
        <Button type="submit">{text.common.search}</Button>
      </form>
      {query === "" ? (
        <Empty icon="desk" title={T.homeTitle}>
          {T.homeBody}
        </Empty>
      ) : (
        <Found query={query} desktop={desktop} />
      )}
    </div>
  );
}

function Found({ query, desktop }: { query: string; desktop: SimDesktop }) {
  const loaded = useLoad(`search ${query}`, () => api.searchRecords(query));
  if (loaded.state === "failed") return <ProblemView problem={loaded.problem} again={loaded.again} />;
  const rows = loaded.value;
  if (!rows) return <div className="skeleton" style={{ height: 120, margin: 20 }} aria-busy="true" />;
  if (rows.length === 0) return <Empty icon="search" title={T.noRecords(query)} />;
  return (
    <ul className="found" aria-label={T.searchTab(query)}>
      {rows.map((row) => (
        <li key={row.id}>
          <button type="button" onClick={() => void tell(openRecord(desktop, row.id))}>
            <span className="badge">{row.object}</span>
            <strong>{row.name}</strong>
            <span className="faint mono">{row.id}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function RecordView({ id, desktop }: { id: string; desktop: SimDesktop }) {
  const version = usePick(desktop.store, (s) => s.recordVersion);
  const loaded = useLoad(`record ${id} ${version}`, () => api.record(id));
  if (loaded.state === "failed") return <ProblemView problem={loaded.problem} again={loaded.again} />;
  const record = loaded.value;
  if (!record) return <div className="skeleton" style={{ height: 220, margin: 20 }} aria-busy="true" />;
  return (
    <article className="record-view" data-record={record.id}>
      <header>
        <span className="avatar" aria-hidden="true">
          <Icon name="person" size={20} />
        </span>
        <div>
          <p className="faint">{record.object}</p>
          <h2>{record.name}</h2>
        </div>
      </header>
      <FieldList fields={record.fields} desktop={desktop} record={{ id: record.id, name: record.name, object: record.object }} />
    </article>
  );
}

/** Phone numbers can be clicked to dial, as in the real console. */
function FieldList({ fields, desktop, record }: { fields: Record<string, unknown>; desktop: SimDesktop; record?: { id: string; name: string; object: string } }) {
  const enabled = usePick(desktop.store, (s) => s.clickToDial && s.loggedIn);
  const dial = (number: string): void => {
    void desktop.raise("salesforceUi", "onClickToDial", null, { number, recordId: record?.id ?? null, recordName: record?.name ?? null, objectType: record?.object ?? null, personAccount: false });
  };
  return (
    <dl className="facts">
      {Object.entries(fields)
        .filter(([, value]) => value !== null && typeof value !== "object")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {/phone|mobile/i.test(name) && enabled ? (
                <button type="button" className="dial" onClick={() => dial(String(value))} title={T.clickToDial}>
                  <Icon name="phone" size={13} /> {String(value)}
                </button>
              ) : (
                String(value)
              )}
            </dd>
          </div>
        ))}
    </dl>
  );
}
