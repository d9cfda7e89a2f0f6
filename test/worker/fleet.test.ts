import { describe, expect, test } from "vitest";
import { createWorker, isRunsealError, memoryStores } from "runseal";
import type { QueueOptions, Runseal, Stores } from "runseal";
import { manualClock } from "runseal/testing";
import { interceptStores } from "../../src/testing/intercept-stores.js";
import { compiled, openShop } from "../instance/shop.js";
import { until } from "../kill/until.js";

/** Handlers of `math.add` that wait until they are let go, and tell how many are at work. */
function gate() {
  const waiting: { readonly label: number; readonly open: () => void }[] = [];
  const started: number[] = [];
  const add = ({ a, b }: { a: number; b: number }) =>
    new Promise((resolve) => {
      started.push(a);
      waiting.push({ label: a, open: () => resolve({ sum: a + b }) });
    });
  const openAll = (): void => {
    for (const { open } of waiting.splice(0)) open();
  };
  return { waiting, started, openAll, answers: { "math.add": add } };
}

async function submitted(runseal: Runseal, number: number, options: Parameters<Runseal["submit"]>[1] = {}) {
  const outcome = await runseal.compile({ name: "math.add", args: { a: number, b: 0 } }, { intent: `i-${number}` });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return runseal.submit(outcome.runbook.id, options);
}

const started = (counts: readonly number[]): readonly number[] => [...counts].sort((a, b) => a - b);

describe("queues of a fleet", () => {
  test("two workers together keep the ceiling of a queue, and other queues are not held up behind it", async () => {
    const { waiting, answers, openAll } = gate();
    const { runseal } = openShop({ answers });
    const queues: readonly (string | QueueOptions)[] = [{ name: "slow", concurrency: 2 }, "fast"];
    for (const number of [1, 2, 3, 4, 5]) await submitted(runseal, number, { queue: "slow", priority: 9 });
    await submitted(runseal, 6, { queue: "fast" });
    const workers = [createWorker(runseal, { queues, concurrency: 3 }), createWorker(runseal, { queues, concurrency: 3 })];
    for (const worker of workers) worker.start();
    await until(() => waiting.some(({ label }) => label === 6) && waiting.length === 3);
    expect((await runseal.list({ status: ["running"] })).filter(({ queue }) => queue === "slow")).toHaveLength(2);
    for (let done = 1; done < 6; done = (await runseal.list({ status: ["completed"] })).length) {
      expect(waiting.filter(({ label }) => label !== 6).length).toBeLessThanOrEqual(2);
      openAll();
      await until(async () => waiting.length > 0 || (await runseal.list({ status: ["completed"] })).length === 6);
    }
    await Promise.all(workers.map((worker) => worker.drain()));
  });

  test("a key's ceiling holds for each value of the label, and runs without it pass", async () => {
    const { started: calls, answers, openAll } = gate();
    const { runseal } = openShop({ answers });
    const queues = [{ name: "default", perKey: { label: "customer", concurrency: 1 } }];
    for (const number of [1, 2, 3]) await submitted(runseal, number, { labels: { customer: "a" } });
    await submitted(runseal, 4, { labels: { customer: "b" } });
    await submitted(runseal, 5);
    const worker = createWorker(runseal, { queues });
    worker.start();
    await until(() => calls.length === 3);
    expect(started(calls)).toEqual([1, 4, 5]);
    openAll();
    await until(() => calls.length === 4);
    expect(calls.at(-1)).toBe(2);
    openAll();
    await until(() => calls.length === 5);
    openAll();
    await worker.drain();
  });

  test("a rate holds starts back until their window has passed, by the store's clock", async () => {
    const clock = manualClock();
    const { runseal, calls } = openShop({ clock, stores: memoryStores({ clock }) });
    for (const number of [1, 2, 3]) await submitted(runseal, number);
    const worker = createWorker(runseal, { queues: [{ name: "default", rate: { runs: 2, perMs: 60_000 } }], pollMs: 600_000 });
    worker.start();
    await until(async () => (await runseal.list({ status: ["completed"] })).length === 2);
    await clock.advance(59_000);
    expect(calls).toHaveLength(2);
    await clock.advance(1_000);
    await until(async () => (await runseal.list({ status: ["completed"] })).length === 3);
    await worker.drain();
  });

  test("options that can't be right are refused, each by its name", () => {
    const { runseal } = openShop();
    const refused = (options: object): unknown => {
      try {
        createWorker(runseal, options);
        return "taken";
      } catch (error) {
        return isRunsealError(error, "instance.misconfigured") ? error.details.option : error;
      }
    };
    const queue = (over: object): unknown => refused({ queues: [{ name: "a", ...over }] });
    expect(refused({ queues: "a" })).toBe("queues");
    expect(refused({ queues: [""] })).toBe("queues[0]");
    expect(refused({ queues: [null] })).toBe("queues[0]");
    expect(refused({ queues: ["a", { name: "a" }] })).toBe("queues");
    expect(refused({ queues: [{}] })).toBe("queues[0].name");
    expect(queue({ concurrency: 0 })).toBe("queues[0].concurrency");
    expect(queue({ concurency: 1 })).toBe("queues[0].concurency");
    expect(queue({ rate: null })).toBe("queues[0].rate");
    expect(queue({ rate: { runs: 1.5, perMs: 1 } })).toBe("queues[0].rate.runs");
    expect(queue({ rate: { runs: 1 } })).toBe("queues[0].rate.perMs");
    expect(queue({ perKey: null })).toBe("queues[0].perKey");
    expect(queue({ perKey: { label: "", concurrency: 1 } })).toBe("queues[0].perKey.label");
    expect(queue({ perKey: { label: "a" } })).toBe("queues[0].perKey");
    expect(queue({ perKey: { label: "a", rate: { runs: 1, perMs: 1 } } })).toBe("taken");
    expect(refused({ scopes: [] })).toBe("scopes");
    expect(refused({ scopes: ["a", "a b"] })).toBe("scope");
    expect(refused({ pollMs: 0 })).toBe("pollMs");
    expect(refused({ leaseMs: -1 })).toBe("leaseMs");
  });
});

describe("tenants of a fleet", () => {
  test("a tenant with thousands of queued runs does not keep one with a single run waiting", async () => {
    const order: string[] = [];
    const { runseal } = openShop({
      answers: {
        "math.add": ({ a, b }: { a: number; b: number }) => {
          order.push(b === 1 ? "small" : "large");
          return { sum: a + b };
        },
      },
    });
    const large = runseal.withScope("large");
    const many = await large.compile({ name: "math.add", args: { a: 1, b: 0 } }, { intent: "many", uses: "many" });
    if (many.kind !== "compiled") throw new TypeError("not compiled");
    for (let number = 0; number < 2_000; number += 1) await large.submit(many.runbook.id);
    const small = runseal.withScope("tiny");
    const worker = createWorker(runseal, { scopes: "all", concurrency: 1 });
    await worker.tick();
    const one = await small.submit((await compiled(small, "math.add", { a: 1, b: 1 })).id);
    // one place: the scopes take turns, whoever has been waiting longer
    await worker.tick();
    expect((await one.status()).status).toBe("completed");
    expect(order).toEqual(["large", "small"]);
    await worker.tick();
    expect(order).toEqual(["large", "small", "large"]);
  });

  test("a worker serves the scopes it is given, and its own without any", async () => {
    const { runseal } = openShop();
    const runs = await Promise.all(["default", "a", "b"].map(async (scope) => submitted(runseal.withScope(scope), 1)));
    const statuses = async (): Promise<readonly string[]> =>
      (await Promise.all(runs.map((run) => run.status()))).map(({ status }) => status);
    expect(await createWorker(runseal).tick()).toEqual({ taken: 1 });
    expect(await statuses()).toEqual(["completed", "queued", "queued"]);
    expect(await createWorker(runseal, { scopes: ["b"] }).tick()).toEqual({ taken: 1 });
    expect(await statuses()).toEqual(["completed", "queued", "completed"]);
  });
});

describe("the way from a wake-up to the first handler", () => {
  test("takes three calls of the store for a run that was submitted, its runbook known: due, its inbox, the start with the step's entry", async () => {
    const calls: string[] = [];
    const inner = memoryStores();
    const stores: Stores = interceptStores(inner, (name, call) => {
      calls.push(name);
      return call();
    });
    const seen: string[][] = [];
    const { runseal } = openShop({
      stores,
      answers: {
        "price.quote": () => {
          seen.push(calls.splice(0));
          return { cents: 1 };
        },
      },
    });
    const outcome = await runseal.compile({ name: "price.quote", args: { item: "tea" } }, { intent: "i", uses: "many" });
    if (outcome.kind !== "compiled") throw new TypeError("not compiled");
    const worker = createWorker(runseal);
    for (const _ of [1, 2]) {
      await runseal.submit(outcome.runbook.id);
      calls.length = 0;
      await worker.tick();
    }
    const three = ["runs.due", "inbox.pending", "events.commit"];
    expect(seen).toEqual([three, three]);
  });

  test("claims as many runs at once as there are places", async () => {
    const inner = memoryStores();
    let claims = 0;
    let most = 0;
    const stores = interceptStores(inner, async (name, call) => {
      if (name !== "events.commit") return call();
      claims += 1;
      most = Math.max(most, claims);
      await new Promise((resolve) => setImmediate(resolve));
      return call().finally(() => {
        claims -= 1;
      });
    });
    const { runseal } = openShop({ stores });
    for (const number of [1, 2, 3, 4, 5]) await submitted(runseal, number);
    most = 0;
    expect(await createWorker(runseal, { concurrency: 4 }).tick()).toEqual({ taken: 4 });
    expect(most).toBe(4);
  });
});
