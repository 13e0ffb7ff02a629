// The page opens as /?token=… or /#token=…; the token moves into the session and out of the address.

const KEY = "tieline.token";
let memory: string | null = null;

export function takeTokenFromAddress(): void {
  const url = new URL(location.href);
  const fragment = new URLSearchParams(url.hash.replace(/^#\/?/, ""));
  const token = url.searchParams.get("token") ?? fragment.get("token");
  if (token === null) return;
  setToken(token);
  url.searchParams.delete("token");
  if (fragment.has("token")) url.hash = "";
  history.replaceState(null, "", url.toString());
}

export function token(): string | null {
  try {
    return sessionStorage.getItem(KEY) ?? memory;
  } catch {
    return memory;
  }
}

export function setToken(value: string): void {
  memory = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Kept in memory until the page closes.
  }
}
