import { expect, test } from "vitest";
import { EventReader } from "./live";

function read(parts: string[]): string[] {
  const told: string[] = [];
  const reader = new EventReader((data) => told.push(data));
  parts.forEach((part) => reader.take(part));
  return told;
}

test("events are told whole, however they are cut", () => {
  const text = 'event: overview\ndata: {"a":1}\n\n: sign of life\n\nevent: overview\ndata: {"a":\ndata: 2}\n\n';
  const whole = ['{"a":1}', '{"a":\n2}'];
  expect(read([text])).toEqual(whole);
  expect(read([...text])).toEqual(whole);
});

test("what has not ended is not told", () => {
  expect(read(["data: 1\n"])).toEqual([]);
});
