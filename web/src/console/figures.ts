import type { Sample } from "../api/console";

/** A length of time in two units at most: `4 s`, `3 min`, `2 h 5 min`, `3 d 4 h`. */
export function age(millis: number): string {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return both(Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min");
  return both(Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3600), "h");
}

function both(large: number, unit: string, small: number, smaller: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** A number with its thousands apart; one place behind the point below ten. */
export function count(value: number): string {
  return (Math.abs(value) < 10 ? tenth : whole).format(value);
}

export function sum(samples: Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}

/** One quotient for all samples; null where nothing was counted. */
export function ratio(samples: Sample[], over: (sample: Sample) => number, under: (sample: Sample) => number): number | null {
  const all = sum(samples, under);
  return all === 0 ? null : sum(samples, over) / all;
}
