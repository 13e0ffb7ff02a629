import { lazy, type ComponentType } from "react";
import type { IconName } from "../ui/Icon";
import { text } from "../text/en";

// Every page is one line here: its first path part, its place in the navigation, and the bundle that holds it.

export interface Route {
  path: string;
  label: string;
  icon: IconName;
  group: "build" | "work" | "operate";
  /** Shown for `#/path/…`; the rest of the address is the page's own. */
  page: ComponentType<{ rest: string[] }>;
}

export const ROUTES: Route[] = [
  { path: "flows", label: text.nav.flows, icon: "flow", group: "build", page: lazy(() => import("../flows/FlowsPage")) },
  { path: "desktop", label: text.nav.desktop, icon: "desk", group: "work", page: lazy(() => import("../desktop/DesktopPage")) },
  { path: "overview", label: text.nav.overview, icon: "browser", group: "operate", page: lazy(() => import("../console/OverviewPage")) },
  { path: "contacts", label: text.nav.contacts, icon: "history", group: "operate", page: lazy(() => import("../console/ContactsPage")) },
  { path: "writes", label: text.nav.writes, icon: "upload", group: "operate", page: lazy(() => import("../console/WritesPage")) },
  { path: "dead-letters", label: text.nav.letters, icon: "list", group: "operate", page: lazy(() => import("../console/LettersPage")) },
  { path: "history", label: text.nav.history, icon: "person", group: "operate", page: lazy(() => import("../console/HistoryPage")) },
  { path: "cache", label: text.nav.cache, icon: "data", group: "operate", page: lazy(() => import("../console/CachePage")) },
  { path: "org", label: text.nav.org, icon: "cloud", group: "operate", page: lazy(() => import("../console/OrgPage")) },
  { path: "settings", label: text.nav.settings, icon: "cog", group: "operate", page: lazy(() => import("../console/SettingsPage")) },
  { path: "doctor", label: text.nav.doctor, icon: "check", group: "operate", page: lazy(() => import("../console/DoctorPage")) },
];

export const HOME = ["flows"];
