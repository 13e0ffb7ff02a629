import { text } from "../text/en";
import { Icon } from "../ui/Icon";
import { usePick } from "../ui/store";
import { ActionsTab } from "./ActionsTab";
import type { DesktopState, SimDesktop } from "./sim";

const T = text.desktop;
const TABS = ["attributes", "actions", "data"] as const;

/** Slides in from the right; its handle stands on its left edge. */
export function Drawer({ desktop }: { desktop: SimDesktop }) {
  const open = usePick(desktop.store, (s) => s.drawer);
  const set = (drawer: DesktopState["drawer"]): void => desktop.store.set({ drawer });
  return (
    <aside className={open ? "drawer open" : "drawer"} aria-label={T.drawer}>
      <button type="button" className="handle" aria-expanded={open !== null} aria-label={open ? T.closeDrawer : T.openDrawer} title={open ? T.closeDrawer : T.openDrawer} onClick={() => set(open ? null : "attributes")}>
        <span className={open ? "flip" : "flip on"}>
          <Icon name="chevron" />
        </span>
      </button>
      {open && (
        <div className="drawer-body">
          <div className="tabs" role="tablist" aria-label={T.drawer}>
            {TABS.map((tab) => (
              <button key={tab} type="button" role="tab" id={`dr-${tab}`} aria-selected={tab === open} aria-controls="drawer-panel" onClick={() => set(tab)}>
                {T.drawerTabs[tab]}
              </button>
            ))}
          </div>
          <div className="drawer-panel" id="drawer-panel" role="tabpanel" aria-labelledby={`dr-${open}`} tabIndex={0}>
            {open === "attributes" && <Attributes desktop={desktop} />}
            {open === "actions" && <ActionsTab desktop={desktop} />}
            {open === "data" && <Data desktop={desktop} />}
          </div>
        </div>
      )}
    </aside>
  );
}

function Attributes({ desktop }: { desktop: SimDesktop }) {
  const contact = usePick(desktop.store, (s) => s.contacts.find((c) => c.id === s.current));
  if (!contact) return <p className="quiet">{T.noContact}</p>;
  const rows = Object.entries(contact.attributes);
  return rows.length === 0 ? <p className="quiet">{T.noAttributes}</p> : <Pairs rows={rows} />;
}

function Data({ desktop }: { desktop: SimDesktop }) {
  const overlay = usePick(desktop.store, (s) => s.overlay);
  const rows = Object.entries(overlay).map(([key, value]): [string, string] => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  return (
    <>
      <h3>{T.dataSink}</h3>
      {rows.length === 0 ? <p className="quiet">{T.noData}</p> : <Pairs rows={rows} />}
    </>
  );
}

function Pairs({ rows }: { rows: [string, string][] }) {
  return (
    <dl className="pairs">
      {rows.map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
