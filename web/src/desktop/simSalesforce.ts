import { api } from "../api/client";
import type { RecordRow } from "../api/types";
import { Refused, type Pop, type SalesforceSurface } from "../host/surface";
import { text } from "../text/en";
import type { SimDesktop } from "./sim";

const T = text.desktop;

/** Salesforce as the console sees it: tabs of this page, records of the server's org. */
export function simSalesforce(desktop: SimDesktop): SalesforceSurface {
  const { store } = desktop;
  const pop = async (target: Pop): Promise<void> => {
    switch (target.kind) {
      case "record":
        await openRecord(desktop, target.id);
        return;
      case "search":
        desktop.openTab({ parent: null, title: T.searchTab(target.text), url: `/search/${target.text}`, content: { kind: "search", text: target.text } });
        return;
      case "new":
        desktop.openTab({ parent: null, title: T.newTab(target.entity), url: `/new/${target.entity}/${JSON.stringify(target.defaults)}`, content: { kind: "new", entity: target.entity, defaults: target.defaults } });
        return;
      case "list":
        desktop.openTab({ parent: null, title: T.listTab(target.scope || target.id), url: `/list/${target.id}`, content: { kind: "list", listId: target.id, scope: target.scope } });
        return;
      case "home":
        desktop.openTab({ parent: null, title: T.listTab(target.scope), url: `/home/${target.scope}`, content: { kind: "home", scope: target.scope } });
        return;
      case "url":
        desktop.openTab({ parent: null, title: target.url.replace(/^https?:\/\//, ""), url: target.url, content: { kind: "url", url: target.url } });
    }
  };
  return {
    pop,
    search: async (request) => {
      const rows = await api.searchRecords(request.text);
      const records = Object.fromEntries(rows.map((row) => [row.id, fieldsOf(row)]));
      if (request.deferred) return { records, screenPopData: { searchText: request.text, ids: Object.keys(records) } };
      const [only] = rows;
      if (only && rows.length === 1) await openRecord(desktop, only.id);
      else if (rows.length === 0 && Object.keys(request.defaults).length > 0) await pop({ kind: "new", entity: "Contact", defaults: request.defaults });
      else await pop({ kind: "search", text: request.text });
      return { records };
    },
    clickToDial: async (clickToDial) => store.set({ clickToDial }),
    appView: async () => {
      const tab = desktop.state.tabs.find((t) => t.id === desktop.state.activeTab);
      if (tab?.content.kind !== "record") return { url: tab?.url ?? "/", recordId: null, recordName: null, objectType: null };
      return { url: tab.url, recordId: tab.content.recordId, recordName: tab.title, objectType: (await api.record(tab.content.recordId)).object };
    },
    softphoneLayout: async () => ({ Inbound: { screenPopOptions: { NoMatch: "PopNothing", SingleMatch: "PopEntity", MultipleMatches: "PopSearch" } } }),
    refreshView: async () => store.set({ recordVersion: desktop.state.recordVersion + 1 }),
    panel: async ({ visible, width }) => store.set({ ...(visible === undefined ? {} : { panelVisible: visible }), ...(width === undefined ? {} : { panelWidth: Math.max(240, Math.min(480, width)) }) }),
    openTab: async (tab) => {
      const recordId = /^\/?(?:lightning\/r\/\w+\/)?([a-zA-Z0-9]{15,18})(?:\/view)?$/.exec(tab.url)?.[1];
      if (recordId !== undefined) return openRecord(desktop, recordId, tab.parent, tab.active);
      return desktop.openTab({ parent: tab.parent, title: tab.label || tab.url, url: tab.url, content: { kind: "url", url: tab.url } }, tab.active);
    },
    closeTab: async (id) => desktop.closeTab(id),
    tabs: async () =>
      desktop.state.tabs.map((tab) => ({
        id: tab.id,
        parent: tab.parent,
        url: tab.url,
        recordId: tab.content.kind === "record" ? tab.content.recordId : null,
        focused: tab.id === desktop.state.activeTab || desktop.state.tabs.some((t) => t.id === desktop.state.activeTab && t.parent === tab.id),
      })),
    presence: async () => desktop.state.presence,
    setPresence: async (statusId) => {
      const presence = { statusId, statusApiName: statusId, statusName: statusId };
      store.set({ presence });
      void desktop.raise("salesforceAgent", "onStateChange", null, { ...presence, channels: "" });
      return { ...presence, channels: "" };
    },
    presenceLogin: async (statusId) => {
      const name = statusId ?? "Offline";
      store.set({ presence: { statusId: name, statusApiName: name, statusName: name } });
    },
    workload: async () => ({ currentWorkload: desktop.state.contacts.length, configuredCapacity: 5 }),
    completeHvsWork: async () => {
      throw new Refused("NotAvailable", "High Velocity Sales is not part of the simulated org.");
    },
  };
}

export async function openRecord(desktop: SimDesktop, id: string, parent: string | null = null, active = true): Promise<string> {
  const record = await api.record(id);
  return desktop.openTab({ parent, title: record.name, url: `/${record.id}`, content: { kind: "record", recordId: record.id } }, active);
}

function fieldsOf(row: RecordRow): Record<string, string> {
  return { Id: row.id, Name: row.name, RecordType: row.object };
}

