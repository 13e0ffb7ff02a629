import { Store } from "../ui/store";

export type ThemeChoice = "auto" | "light" | "dark";

const KEY = "tieline.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function read(): ThemeChoice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "auto";
  } catch {
    return "auto";
  }
}

export const theme = new Store<{ choice: ThemeChoice; dark: boolean }>({ choice: read(), dark: isDark(read()) });

function isDark(choice: ThemeChoice): boolean {
  return choice === "dark" || (choice === "auto" && system.matches);
}

function apply(choice: ThemeChoice): void {
  const dark = isDark(choice);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  theme.set({ choice, dark });
}

export function chooseTheme(choice: ThemeChoice): void {
  try {
    if (choice === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // The choice lasts until the page closes.
  }
  apply(choice);
}

system.addEventListener("change", () => apply(theme.get().choice));
