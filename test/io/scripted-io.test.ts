import { expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineVerb, memoryStores } from "runseal";
import { scriptedIo } from "runseal/testing";
import type { StepContext } from "runseal";

const ask = defineVerb({
  name: "rates.ask",
  version: 1,
  effect: "read",
  retry: { attemptsMax: 3, baseMs: 0, maxMs: 0 },
  args: z.object({ pair: z.string() }),
  result: z.string(),
});
const rate = async ({ pair }: { pair: string }, { io }: StepContext): Promise<string> => {
  const { response } = await io.call({ namespace: "rates.spot", request: { pair }, factKey: `rate/${pair}` });
  return z.string().parse(response);
};

function instance(scripted: ReturnType<typeof scriptedIo>) {
  return createRunseal({
    catalog: createCatalog({ verbs: [ask] }),
    handlers: { "rates.ask": rate },
    stores: memoryStores(),
    policy: allowAll(),
    io: scripted.io,
  });
}

test("scriptedIo answers calls in the order of its script, errors among them, and tells what it was asked (D-080, D-085)", async () => {
  const again = Object.assign(new TypeError("the line is busy"), { retryable: true });
  const scripted = scriptedIo({ rates: [{ error: again }, { response: "1.08" }, (request) => `for ${JSON.stringify(request)}`] });
  const runseal = instance(scripted);
  expect(await runseal.run("rates.ask", { pair: "EUR/USD" })).toBe("1.08");
  expect(await runseal.run("rates.ask", { pair: "EUR/GBP" })).toBe('for {"pair":"EUR/GBP"}');
  expect(scripted.calls.map(({ namespace, attempt, stepId }) => [namespace, attempt, stepId])).toEqual([
    ["rates.spot", 1, "main"],
    ["rates.spot", 2, "main"],
    ["rates.spot", 1, "main"],
  ]);
  expect(scripted.remaining()).toBe(0);
});

test("a script that has no answer left fails the step with io.unscripted, at once", async () => {
  const scripted = scriptedIo({ rates: [] });
  await expect(instance(scripted).run("rates.ask", { pair: "EUR/USD" })).rejects.toMatchObject({
    code: "run.not_completed",
    message: expect.stringContaining("io.unscripted") as string,
  });
  expect(scripted.calls).toHaveLength(1);
});

test("one function answers every call of its group", async () => {
  const scripted = scriptedIo({ rates: () => "0.99" });
  const runseal = instance(scripted);
  expect([await runseal.run("rates.ask", { pair: "a" }), await runseal.run("rates.ask", { pair: "b" })]).toEqual([
    "0.99",
    "0.99",
  ]);
});
