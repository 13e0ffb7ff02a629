import { expect, test } from "vitest";
import { csv, typed } from "./table";

test("a cell with a comma, a quote or a line end is quoted", () => {
  expect(csv([{ a: 'say "no", then go', b: "two\nlines" }])).toBe('a,b\r\n"say ""no"", then go","two\nlines"\r\n');
});

test("no text is left to be read as a formula, and numbers stay numbers", () => {
  expect(csv([{ a: "=1+1", b: "+12065550100", c: "@x", d: -4, e: null }])).toBe("a,b,c,d,e\r\n'=1+1,'+12065550100,'@x,-4,\r\n");
});

test("no rows are no lines of cells", () => {
  expect(csv([])).toBe("\r\n");
});

test("what is typed keeps the kind of what it replaces, where it can", () => {
  expect(typed("12", 7)).toBe(12);
  expect(typed("twelve", 7)).toBe("twelve");
  expect(typed("false", true)).toBe(false);
  expect(typed("12", "7")).toBe("12");
  expect(typed("0012", undefined)).toBe("0012");
  expect(typed("null", 7)).toBe("null");
});
