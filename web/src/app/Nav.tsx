import { useState } from "react";
import { text } from "../text/en";
import { Icon } from "../ui/Icon";
import { usePick } from "../ui/store";
import { ROUTES, type Route } from "./routes";
import { chooseTheme, theme, type ThemeChoice } from "./theme";

const GROUPS: { id: Route["group"]; label: string }[] = [
  { id: "build", label: text.nav.build },
  { id: "work", label: text.nav.work },
  { id: "operate", label: text.nav.operate },
];
const NEXT: Record<ThemeChoice, ThemeChoice> = { auto: "light", light: "dark", dark: "auto" };
const THEME_ICON = { auto: "auto", light: "sun", dark: "moon" } as const;

/** Width under which a page needs the room more than the menu does: a tablet held upright. */
const NARROW = 1000;

/** Folded where the page needs the room, unless the reader chose otherwise. */
export function Nav({ current, online, tight }: { current: string; online: boolean; tight: boolean }) {
  const [chosen, setChosen] = useState(() => localStorage.getItem("tieline.nav"));
  const small = chosen ? chosen === "small" : tight || window.innerWidth < NARROW;
  const choice = usePick(theme, (state) => state.choice);
  const fold = (): void => {
    const next = small ? "wide" : "small";
    localStorage.setItem("tieline.nav", next);
    setChosen(next);
  };
  return (
    <nav className={small ? "nav small" : "nav"} aria-label={text.nav.label}>
      <a className="brand" href="#/flows" aria-label={text.product}>
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>{text.product}</span>
      </a>
      {GROUPS.map((group) => {
        const routes = ROUTES.filter((route) => route.group === group.id);
        if (routes.length === 0) return null;
        return (
          <div key={group.id} className="nav-group">
            <p>{group.label}</p>
            <ul>
              {routes.map((route) => (
                <li key={route.path}>
                  <a href={`#/${route.path}`} aria-current={route.path === current ? "page" : undefined} title={small ? route.label : undefined} aria-label={route.label}>
                    <Icon name={route.icon} size={18} />
                    <span>{route.label}</span>
                  </a>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
      <div className="nav-foot">
        <span className={online ? "line" : "line off"} role="status" title={online ? text.nav.online : text.nav.offline}>
          <i aria-hidden="true" />
          <span>{online ? text.nav.online : text.nav.offline}</span>
        </span>
        <button type="button" onClick={() => chooseTheme(NEXT[choice])} title={`${text.nav.theme}: ${text.nav.themes[choice]}`} aria-label={`${text.nav.theme}: ${text.nav.themes[choice]}`}>
          <Icon name={THEME_ICON[choice]} size={18} />
          <span>{text.nav.themes[choice]}</span>
        </button>
        <button type="button" onClick={fold} aria-label={small ? text.nav.expand : text.nav.collapse} title={small ? text.nav.expand : text.nav.collapse}>
          <span className={small ? "flip" : "flip on"}>
            <Icon name="chevron" size={18} />
          </span>
          <span>{text.nav.collapse}</span>
        </button>
      </div>
    </nav>
  );
}
