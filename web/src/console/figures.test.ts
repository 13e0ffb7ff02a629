import { expect, test } from "vitest";
import type { Sample } from "../api/console";
import { age, count, ratio } from "./figures";

test("a length of time has two units at most", () => {
  expect([0, 59_400, 60_000, 3_599_000, 3_600_000, 7_500_000, 90_000_000, 172_800_000].map(age)).toEqual(["0 s", "59 s", "1 min", "59 min", "1 h", "2 h 5 min", "1 d 1 h", "2 d"]);
  expect(age(-5)).toBe("0 s");
});

test("numbers are read at a glance", () => {
  expect([0, 4.25, 12.5, 15_000].map(count)).toEqual(["0", "4.3", "13", "15,000"]);
});

test("a ratio of nothing is none", () => {
  const sample = (hits: number, misses: number): Sample => ({ hits, misses }) as Sample;
  const of = (samples: Sample[]) => ratio(samples, (s) => s.hits, (s) => s.hits + s.misses);
  expect(of([sample(0, 0)])).toBeNull();
  expect(of([sample(3, 1), sample(0, 0), sample(0, 2)])).toBe(0.5);
});
