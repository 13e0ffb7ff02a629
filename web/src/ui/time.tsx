const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const full = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

/** Interfaces give milliseconds or an ISO text. */
export function asMillis(at: number | string): number {
  return typeof at === "number" ? at : Date.parse(at);
}

export function ago(at: number | string, now = Date.now()): string {
  const millis = asMillis(at);
  if (!Number.isFinite(millis)) return "";
  const seconds = Math.round((millis - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return relative.format(0, "second");
  if (size < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  if (size < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), "day");
  return full.format(millis);
}

export function exact(at: number | string): string {
  const millis = asMillis(at);
  return Number.isFinite(millis) ? full.format(millis) : "";
}

export function Ago({ at }: { at: number | string }) {
  const millis = asMillis(at);
  if (!Number.isFinite(millis)) return null;
  return (
    <time dateTime={new Date(millis).toISOString()} title={exact(at)}>
      {ago(at)}
    </time>
  );
}
