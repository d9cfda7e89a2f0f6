import { expect, test } from "vitest";
import { breathe } from "../../src/time/breathe.js";

test("breathe lets what is due go first", async () => {
  const order: string[] = [];
  setImmediate(() => order.push("due"));
  await breathe();
  order.push("after");
  expect(order).toEqual(["due", "after"]);
});
