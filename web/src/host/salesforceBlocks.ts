import { flag, map, size, words, type Block, type Call } from "./blocks";
import { Refused, type SalesforceSurface } from "./surface";

const sf = (call: Call): SalesforceSurface => call.surface.salesforce;
const asJson = <T extends object>(value: T): Record<string, never> => ({ ...value }) as Record<string, never>;

/** Only addresses of the web or of this org: never javascript: or data:. */
export function safeUrl(url: string): string {
  const text = url.trim();
  if (/^https?:\/\//i.test(text) || /^\/(?!\/)/.test(text)) return text;
  if (text !== "" && !/^[a-z][a-z0-9+.-]*:/i.test(text) && !text.startsWith("//")) return text;
  throw new Refused("InvalidUrl", "The address must begin with http, https or a slash.");
}

async function popRecord(call: Call): Promise<Record<string, never>> {
  const id = words(call.inputs, "recordId").trim();
  if (id === "") {
    if (flag(call.inputs, "noPopOnEmpty")) return {};
    throw new Refused("MissingInput", "There is no record id to open.");
  }
  await sf(call).pop({ kind: "record", id });
  return {};
}

const search: Block = async (call) => {
  const { inputs } = call;
  const text = words(inputs, "searchParams").trim();
  const deferred = flag(inputs, "deferred");
  // An empty text finds nothing and is no error: flows rely on going on by success.
  if (text === "") return { count: 0, id: null, value: {} };
  const found = await sf(call).search({
    text,
    query: words(inputs, "queryParams"),
    defaults: map(inputs, "defaultFieldValues"),
    deferred,
    callType: words(inputs, "callType") || "inbound",
  });
  const ids = Object.keys(found.records);
  return {
    count: ids.length,
    id: ids.length === 1 ? (ids[0] ?? null) : null,
    value: found.records,
    ...(found.screenPopData === undefined ? {} : { screenPopData: found.screenPopData }),
  };
};

const openTab = (parent: string | null): Block => async (call) => {
  const { inputs } = call;
  const within = parent === null ? null : words(inputs, parent);
  const active = inputs["active"] === undefined ? true : flag(inputs, "active");
  const id = await sf(call).openTab({ url: safeUrl(words(inputs, "url")), active, label: words(inputs, "label"), parent: within });
  return { id, value: id };
};

const done = (work: (call: Call) => Promise<unknown>): Block => async (call) => {
  await work(call);
  return {};
};

const pixels = (name: "height" | "width", input: string): Block => async (call) => {
  const value = size(call.inputs, input);
  if (value === null) throw new Refused("InvalidInput", `${input} must be a number of pixels.`);
  await sf(call).panel({ [name]: value });
  return {};
};

export const salesforceBlocks: Record<string, Block> = {
  SE_SFCanMakeOutboundCalls: (call) => call.surface.agent() !== null,
  SE_SFEnableClickToDial: done((call) => sf(call).clickToDial(true)),
  SE_SFDisableClickToDial: done((call) => sf(call).clickToDial(false)),
  SE_SFGetAppViewInfo: (call) => sf(call).appView(),
  SE_SFGetSoftphoneLayout: async (call) => ({ value: await sf(call).softphoneLayout() }),
  SE_SFRefreshView: done((call) => sf(call).refreshView()),
  SE_SFShowSoftphonePanel: done((call) => sf(call).panel({ visible: true })),
  SE_SFHideSoftphonePanel: done((call) => sf(call).panel({ visible: false })),
  SE_SFSetSoftphonePanelHeight: pixels("height", "heightPX"),
  SE_SFSetSoftphonePanelWidth: pixels("width", "widthPX"),
  SE_SFScreenpopObject: popRecord,
  SE_SFScreenpopUrl: done((call) => sf(call).pop({ kind: "url", url: safeUrl(words(call.inputs, "url")) })),
  SE_SFScreenpopObjectHome: done((call) => sf(call).pop({ kind: "home", scope: words(call.inputs, "scope") })),
  SE_SFScreenpopList: done((call) => sf(call).pop({ kind: "list", id: words(call.inputs, "listViewId"), scope: words(call.inputs, "scope") })),
  SE_SFScreenpopSearch: done((call) => sf(call).pop({ kind: "search", text: words(call.inputs, "searchString") })),
  SE_SFScreenpopNewRecord: done((call) => sf(call).pop({ kind: "new", entity: words(call.inputs, "entityName"), defaults: map(call.inputs, "defaultFieldValues") })),
  SE_SFSearchAndScreenpop: search,
  SE_SFOpenPrimaryTab: openTab(null),
  SE_SFOpenSubTab: openTab("primaryTabId"),
  SE_SFGetFocusedPrimaryTabObjectId: async (call) => ({ id: (await sf(call).tabs()).find((tab) => tab.focused && tab.parent === null)?.recordId ?? null }),
  SE_SFGetFocusedSubtabObjectId: async (call) => ({ id: (await sf(call).tabs()).find((tab) => tab.focused && tab.parent !== null)?.recordId ?? null }),
  SE_SFGetTabObjectMap: async (call) => ({ value: Object.fromEntries((await sf(call).tabs()).map((tab) => [tab.id, tab.recordId])) }),
  SE_SFGetPrimaryTabIds: async (call) => ({ value: (await sf(call).tabs()).filter((tab) => tab.parent === null).map((tab) => tab.id) }),
  SE_SFGetTabsWithMatchingUrl: async (call) => {
    const wanted = words(call.inputs, "url");
    return { value: (await sf(call).tabs()).filter((tab) => wanted !== "" && tab.url.includes(wanted)).map((tab) => tab.id) };
  },
  SE_SFCloseTab: done((call) => sf(call).closeTab(words(call.inputs, "tabId"))),
  SE_SFGetAgentState: async (call) => asJson(await sf(call).presence()),
  SE_SFSetAgentState: (call) => sf(call).setPresence(words(call.inputs, "statusId")),
  SE_SFLoginAgent: done((call) => sf(call).presenceLogin(words(call.inputs, "statusId"))),
  SE_SFLogoutAgent: done((call) => sf(call).presenceLogin(null)),
  SE_SFGetAgentWorkload: async (call) => asJson(await sf(call).workload()),
  SE_SFCompleteHvsWorkWithTaskSaved: done((call) =>
    sf(call).completeHvsWork({ workId: words(call.inputs, "workId"), disposition: words(call.inputs, "disposition"), taskId: words(call.inputs, "taskId") }),
  ),
};
