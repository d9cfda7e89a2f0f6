import { describe, expect, test } from "vitest";
import { RunsealError, createRunseal, createWorker, isRunsealError, memoryStores } from "runseal";
import { manualClock, waitForPark } from "runseal/testing";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { compiled, openShop, shop } from "../instance/shop.js";

describe("the worker (decision 3.3a)", () => {
  test("takes a submitted run and drives it to its end", async () => {
    const { runseal } = openShop();
    const worker = createWorker(runseal);
    worker.start();
    const run = await runseal.submit((await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] })).id);
    expect((await run.result()).status).toBe("completed");
    await worker.drain();
    expect(worker.active).toBe(0);
  });

  test("ends with its instance: close takes nothing more and leaves no timer behind (decision 3.3a)", async () => {
    const clock = manualClock();
    const stores = memoryStores({ clock });
    const { runseal } = openShop({ clock, stores });
    const { runseal: other } = openShop({ clock, stores: memoryStores({ sharedWith: stores }) });
    const worker = createWorker(runseal);
    worker.start();
    await clock.untilWaiting(1);
    await runseal.close();
    expect(clock.waiting).toBe(0);
    const run = await other.submit((await compiled(other, "order.buy", { order: "o-1", items: ["tea"] })).id);
    await clock.advance(60_000);
    expect((await run.status()).status).toBe("queued");
    await worker.drain();
    await other.close();
  });

  test("ends where somebody else has closed its stores", async () => {
    const clock = manualClock();
    const stores = memoryStores({ clock });
    const { runseal } = openShop({ clock, stores });
    const worker = createWorker(runseal, { pollMs: 50 });
    worker.start();
    await clock.untilWaiting(1);
    await stores.close();
    await clock.advance(50);
    await eventually("no timer is left", () => clock.waiting === 0);
    await worker.drain();
  });

  test("tick drives what is due once, and hands back how much it took", async () => {
    const { runseal } = openShop();
    const run = await runseal.submit((await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] })).id);
    const worker = createWorker(runseal);
    expect(await worker.tick()).toEqual({ taken: 1 });
    expect((await run.status()).status).toBe("completed");
    expect(await worker.tick()).toEqual({ taken: 0 });
  });

  test("continues a parked run when its signal arrives", async () => {
    const { runseal } = openShop();
    const worker = createWorker(runseal);
    const run = await runseal.submit((await compiled(runseal, "order.deliver", { order: "o-1" })).id);
    await worker.tick();
    await waitForPark(run, "human_gate");
    await runseal.decide(run.runId, "confirm", { verdict: "approve", principal: { subject: "ines" }, payload: { note: "go" } });
    await worker.tick();
    const parked = await waitForPark(run, "awaiting_signal");
    await runseal.signal(run.runId, String(parked.key), { parcel: "p" });
    await worker.tick();
    expect(await run.result()).toMatchObject({ status: "completed", output: { parcel: "p" } });
  });

  test("only looks at its queues, and leaves what ran before alone when told to hold", async () => {
    const { runseal } = openShop();
    const run = await runseal.submit((await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] })).id, {
      queue: "slow",
    });
    expect(await createWorker(runseal, { queues: ["fast"] }).tick()).toEqual({ taken: 0 });
    expect(await createWorker(runseal, { queues: ["slow"] }).tick()).toEqual({ taken: 1 });
    expect((await run.status()).status).toBe("completed");
  });

  test("a queued run that admission refuses ends failed with that code, void, and the runbook can run again (decision 3.2)", async () => {
    let cents = 21;
    const { runseal } = openShop({ answers: { "price.quote": () => ({ cents }) } });
    const runbook = await compiled(runseal, "order.quoted", { item: "tea" });
    const run = await runseal.submit(runbook.id);
    cents = 1;
    await createWorker(runseal).tick();
    expect(await run.result()).toMatchObject({ status: "failed", code: "admission.plan_stale" });
    expect((await run.status()).isVoid).toBe(true);
    cents = 21;
    const again = await runseal.execute(runbook.id);
    expect(again.runId).not.toBe(run.runId);
    expect((await again.result()).status).toBe("completed");
  });

  test("fires a retry when its time has come, by the clock of the instance", async () => {
    const clock = manualClock();
    const stores = memoryStores({ clock });
    let tries = 0;
    const { runseal } = openShop({
      clock,
      stores,
      answers: {
        "math.add": () => {
          tries += 1;
          if (tries === 1) throw Object.assign(new TypeError("busy"), { code: "net.busy", retryable: true });
          return { sum: 2 };
        },
      },
    });
    const runbook = await compiled(runseal, "math.add", { a: 1, b: 1 });
    const run = await runseal.execute(runbook.id);
    const result = run.result();
    await clock.untilWaiting(1);
    await clock.advance(60_000);
    expect(await result).toMatchObject({ status: "completed", output: { sum: 2 } });
    expect(tries).toBe(2);
  });

  test("options that can't be right are refused", () => {
    const { runseal } = openShop();
    try {
      createWorker(runseal, { concurrency: 0 });
      expect.unreachable();
    } catch (error) {
      expect(isRunsealError(error, "instance.misconfigured")).toBe(true);
    }
  });
});

describe("options that can't be right are refused by name (decision 3.3a)", () => {
  test.each<readonly [options: unknown, option: string]>([
    [null, "options"],
    [{ queue: "mail" }, "queue"],
    [{ queues: [] }, "queues"],
    [{ pollMs: 2 ** 31 }, "pollMs"],
    [{ leaseMs: 1e12 }, "leaseMs"],
    [{ leaseMs: Number.NaN }, "leaseMs"],
  ])("createWorker(runseal, %j)", (options, option) => {
    const { runseal } = openShop();
    const refused = expect.objectContaining({ code: "instance.misconfigured", details: { option } }) as Error;
    expect(() => createWorker(runseal, options as object)).toThrow(refused);
  });

  test.each<readonly [options: object, option: string]>([
    [{ leaseMs: 0 }, "leaseMs"],
    [{ leaseMs: "10s" }, "leaseMs"],
    [{ leaseMs: 2 ** 31 }, "leaseMs"],
    [{ lockDeadlineMs: -1 }, "lockDeadlineMs"],
    [{ lockDeadlineMs: Infinity }, "lockDeadlineMs"],
    [{ stores: null }, "stores"],
    [{ stores: {} }, "stores"],
    [{ stores: { connect: () => undefined } }, "stores"],
    [{ catalog: {} }, "catalog"],
  ])("createRunseal(%j)", (options, option) => {
    const refused = expect.objectContaining({ code: "instance.misconfigured", details: { option } }) as Error;
    expect(() => createRunseal({ catalog: shop, stores: memoryStores(), ...options })).toThrow(refused);
  });

  test("a deadline of no time at all is one", () => {
    expect(() => createRunseal({ catalog: shop, stores: memoryStores(), lockDeadlineMs: 0 })).not.toThrow();
  });
});

test("a worker says why it gave a run up (reliability row 25)", async () => {
  const said: string[] = [];
  const stores = memoryStores();
  const locks = {
    ...stores.locks,
    acquire: () => Promise.reject(new RunsealError("lock.pooler_unsupported", "no session", { reason: "no session" })),
  };
  const { runseal } = openShop({
    stores: { ...stores, locks },
    logger: ({ message, runId }) => said.push(`${runId}: ${message}`),
  });
  const run = await runseal.submit((await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] })).id);
  const worker = createWorker(runseal);
  worker.start();
  await eventually("it is said", () => said.includes(`${run.runId}: the worker gave run "${run.runId}" up: no session`));
  await worker.drain();
});
