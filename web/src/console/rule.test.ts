import { expect, test } from "vitest";
import { ruleOf } from "./rule";

test("a rule is read as the org's own text form", () => {
  expect(ruleOf("status=503, object=Case,share=0.2")).toEqual({ do: "status=503", object: "Case", share: 0.2 });
  expect(ruleOf("lock")).toEqual({ do: "lock" });
  expect(ruleOf("limit=daily,from=10s")).toEqual({ do: "limit=daily", from: "10s" });
});
