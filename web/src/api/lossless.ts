// JSON numbers that a double cannot hold (long ids, many digits) keep their text where the browser can do it.

interface SourceContext {
  source?: string;
}

interface RawJson {
  rawJSON?: (text: string) => object;
}

export function parseJson(text: string): unknown {
  const raw = (JSON as RawJson).rawJSON;
  if (!raw) return JSON.parse(text) as unknown;
  const revive = (_key: string, value: unknown, context?: SourceContext): unknown => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return keepsValue(value, source) ? value : raw(source);
  };
  return (JSON.parse as (t: string, r: typeof revive) => unknown)(text, revive);
}

/** Whether writing the number again says the same value: `-249.0` does, twenty digits do not. */
export function keepsValue(value: number, source: string): boolean {
  return normalise(String(value)) === normalise(source);
}

function normalise(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return text;
  const whole = match[2] ?? "";
  const fraction = match[3] ?? "";
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  if (digits === "") return "0";
  const exponent = Number(match[4] ?? 0) - fraction.length + (all.length - digits.length);
  return `${match[1]}${digits}e${exponent}`;
}
