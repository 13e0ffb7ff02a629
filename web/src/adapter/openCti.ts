import type { Json } from "../api/types";
import { Refused, type Fields, type Pop, type SalesforceSurface } from "../host/surface";

/** The part of `sforce.opencti` (Lightning) that is used, as Salesforce documents it. */
export interface OpenCti {
  SCREENPOP_TYPE: Record<"SOBJECT" | "URL" | "OBJECTHOME" | "LIST" | "SEARCH" | "NEW_RECORD_MODAL" | "FLOW", string>;
  CALL_TYPE: Record<"INBOUND" | "OUTBOUND" | "INTERNAL", string>;
  screenPop(options: { type: string; params: object; callback: Callback }): void;
  searchAndScreenPop(options: { searchParams: string; queryParams: string; defaultFieldValues: object; callType: string; deferred: boolean; callback: Callback }): void;
  enableClickToDial(options: { callback: Callback }): void;
  disableClickToDial(options: { callback: Callback }): void;
  onClickToDial(options: { listener: (payload: Fields) => void }): void;
  onNavigationChange(options: { listener: (payload: Fields) => void }): void;
  /** Only where the org has Sales Engagement. */
  hvs?: { onWorkStart(options: { listener: (payload: Fields) => void }): void };
  getAppViewInfo(options: { callback: Callback }): void;
  getSoftphoneLayout(options: { callback: Callback }): void;
  refreshView(options: { callback: Callback }): void;
  setSoftphonePanelVisibility(options: { visible: boolean; callback: Callback }): void;
  setSoftphonePanelHeight(options: { heightPX: number; callback: Callback }): void;
  setSoftphonePanelWidth(options: { widthPX: number; callback: Callback }): void;
}

type Callback = (response: { success: boolean; returnValue?: unknown; errors?: { code?: string; description?: string }[] }) => void;

/** One call of Open CTI as a promise; its own words become the reason of a failure. */
export function called<T>(work: (callback: Callback) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    work((response) => {
      if (response.success) return resolve(response.returnValue as T);
      const [error] = response.errors ?? [];
      reject(new Refused(error?.code ?? "OpenCtiFailed", error?.description ?? "Salesforce refused without a reason."));
    });
  });
}

export function openCtiSurface(cti: OpenCti): SalesforceSurface {
  const pop = (target: Pop): Promise<void> => {
    const [type, params] = popParams(cti, target);
    return called((callback) => cti.screenPop({ type, params, callback }));
  };
  const missing = (what: string): Promise<never> => Promise.reject(new Refused("NotAvailable", `Open CTI does not offer ${what} in Lightning.`));
  return {
    pop,
    search: async (request) => {
      const value = await called<Record<string, Json> | null>((callback) =>
        cti.searchAndScreenPop({
          searchParams: request.text,
          queryParams: request.query,
          defaultFieldValues: request.defaults,
          callType: cti.CALL_TYPE[request.callType.toUpperCase() as keyof OpenCti["CALL_TYPE"]] ?? cti.CALL_TYPE.INBOUND,
          deferred: request.deferred,
          callback,
        }),
      );
      const { SCREEN_POP_DATA: screenPopData, ...records } = value ?? {};
      return { records: records as Record<string, Fields>, ...(screenPopData === undefined ? {} : { screenPopData }) };
    },
    clickToDial: (enabled) => called((callback) => (enabled ? cti.enableClickToDial({ callback }) : cti.disableClickToDial({ callback }))),
    appView: () => called((callback) => cti.getAppViewInfo({ callback })),
    softphoneLayout: () => called((callback) => cti.getSoftphoneLayout({ callback })),
    refreshView: () => called((callback) => cti.refreshView({ callback })),
    panel: async ({ visible, height, width }) => {
      if (visible !== undefined) await called((callback) => cti.setSoftphonePanelVisibility({ visible, callback }));
      if (height !== undefined) await called((callback) => cti.setSoftphonePanelHeight({ heightPX: height, callback }));
      if (width !== undefined) await called((callback) => cti.setSoftphonePanelWidth({ widthPX: width, callback }));
    },
    openTab: async (tab) => {
      if (tab.parent !== null) return missing("sub tabs");
      await pop({ kind: "url", url: tab.url });
      return tab.url;
    },
    closeTab: () => missing("closing tabs"),
    tabs: async () => {
      // Open CTI knows the page in front only.
      const view = await called<{ url?: string; recordId?: string }>((callback) => cti.getAppViewInfo({ callback }));
      return [{ id: "front", parent: null, url: view?.url ?? "", recordId: view?.recordId ?? null, focused: true }];
    },
    presence: () => missing("Omni-Channel presence"),
    setPresence: () => missing("Omni-Channel presence"),
    presenceLogin: () => missing("Omni-Channel presence"),
    workload: () => missing("Omni-Channel workload"),
    completeHvsWork: () => missing("High Velocity Sales"),
  };
}

function popParams(cti: OpenCti, target: Pop): [string, object] {
  const { SCREENPOP_TYPE: types } = cti;
  switch (target.kind) {
    case "record":
      return [types.SOBJECT, { recordId: target.id }];
    case "url":
      return [types.URL, { url: target.url }];
    case "home":
      return [types.OBJECTHOME, { scope: target.scope }];
    case "list":
      return [types.LIST, { listViewId: target.id, scope: target.scope }];
    case "search":
      return [types.SEARCH, { searchString: target.text }];
    case "new":
      return [types.NEW_RECORD_MODAL, { entityName: target.entity, defaultFieldValues: target.defaults }];
  }
}
