import { describe, expect, test } from "vitest";
import type { Stores } from "runseal";
import { memoryStores } from "runseal";
import type { Fault } from "runseal/testing";
import { FAULT_MODES, failingStores, manualClock } from "runseal/testing";
import { Rig } from "../engine/rig.js";
import { STORE_CALLS } from "../../src/testing/intercept-stores.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { failingStores as failing } from "../../src/testing/failing-stores.js";

const bytes = new TextEncoder().encode("{}");
const artifact = { id: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", kind: "result", bytes };
const put = (stores: Stores): Promise<void> => stores.artifacts.put("default", artifact);
const get = (stores: Stores) => stores.artifacts.get("default", artifact.id);

/** Whether a call has settled by the time everything that can run has run. */
async function settled(work: Promise<unknown>): Promise<string> {
  const seen = { how: "waits" };
  work.then(
    () => (seen.how = "answered"),
    () => (seen.how = "threw"),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return seen.how;
}

async function firstFails(fault: Omit<Fault, "at">) {
  const clock = manualClock();
  const inner = memoryStores({ clock });
  const stores = failing(inner, [{ at: 1, ...fault }], { clock });
  const first = await settled(put(stores));
  return { clock, inner, stores, first, isDone: (await get(inner)) !== undefined };
}

describe("failingStores", () => {
  test("before: the call throws and nothing was done; the next one goes well", async () => {
    const { stores, first, isDone } = await firstFails({ mode: "before" });
    expect([first, isDone]).toEqual(["threw", false]);
    await expect(put(stores)).resolves.toBeUndefined();
    expect(stores.fired).toEqual([{ call: "artifacts.put", mode: "before", at: 1 }]);
    expect(stores.calls).toBe(2);
  });

  test("after: it was done, and the caller hears of a failure", async () => {
    const { inner, first, isDone } = await firstFails({ mode: "after" });
    expect([first, isDone]).toEqual(["threw", true]);
    await expect(failingStores(inner, [{ mode: "after", at: 1 }]).leases.now()).rejects.toMatchObject({ code: "store.failed" });
  });

  test("a crash: that call and all later ones never settle, done or not, and changes are not told", async () => {
    const before = await firstFails({ mode: "crash_before" });
    expect([before.first, before.isDone, before.stores.isCrashed]).toEqual(["waits", false, true]);
    const after = await firstFails({ mode: "crash_after" });
    expect([after.first, after.isDone, await settled(get(after.stores))]).toEqual(["waits", true, "waits"]);
    let heard = 0;
    after.stores.watch(() => (heard += 1));
    const rig = new Rig({ stores: after.inner });
    await rig.submit(buildRunbook({ steps: [{ id: "a" }] }));
    expect(heard).toBe(0);
  });

  test("what a dead process was about to hear, it never hears", async () => {
    const clock = manualClock();
    const stores = failing(memoryStores({ clock }), [
      { mode: "delay", at: 1 },
      { mode: "crash_before", at: 2 },
    ]);
    const first = get(stores);
    void get(stores);
    stores.release();
    expect(await settled(first)).toBe("waits");
  });

  test("delay: the call is made when its time has come, or when it is released", async () => {
    const timed = await firstFails({ mode: "delay", delayMs: 500 });
    expect([timed.first, timed.isDone]).toEqual(["waits", false]);
    await timed.clock.advance(500);
    expect(await get(timed.inner)).toMatchObject({ kind: "result" });
    const held = await firstFails({ mode: "delay" });
    expect([held.first, held.isDone]).toEqual(["waits", false]);
    held.stores.release();
    await settled(Promise.resolve());
    expect(await get(held.inner)).toMatchObject({ kind: "result" });
  });

  test("duplicate: the call is made twice and answered the second time", async () => {
    const rig = new Rig();
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const stores = failing(rig.stores, [{ mode: "duplicate", at: 1, call: "inbox.put" }]);
    const runId = await rig.submit(runbook);
    const signal = { scope: "default", runId, key: "signal:k", kind: "signal", payload: 1 } as const;
    expect(await stores.inbox.put(signal)).toEqual({ kind: "same" });
  });

  test("a submission that arrives twice is one run, with or without a key (reliability row 41)", async () => {
    const base = new Rig();
    for (const mode of ["duplicate", "after"] as const) {
      const rig = new Rig({ env: base.env, stores: failing(base.stores, [{ mode, at: 1, call: "events.commit" }]) });
      const once = buildRunbook({ steps: [{ id: "a" }], intent: mode });
      await rig.submit(once).catch(() => undefined);
      await rig.submit(once);
      expect(await base.stores.runs.list("default", { runbookId: once.id })).toHaveLength(1);
    }
    const many = buildRunbook({ steps: [{ id: "a" }], uses: "many" });
    const rig = new Rig({ env: base.env, stores: failing(base.stores, [{ mode: "duplicate", at: 1 }]) });
    const runId = await rig.submit(many);
    expect((await base.stores.runs.list("default", { runbookId: many.id })).map(({ run }) => run?.runId)).toEqual([runId]);
  });

  test("locks belong to a session: a lost answer frees them, and taking them is not sent twice", async () => {
    const owner = { scope: "default", runId: "r", runbookId: "rb_1", holder: "me" } as const;
    const request = { key: "a".repeat(16), kind: "account", id: "1", access: "write" } as const;
    const lost = await firstFails({ mode: "after", call: "locks.acquire" });
    await expect(lost.stores.locks.acquire([request], { deadlineMs: 0, owner })).rejects.toMatchObject({ code: "store.failed" });
    expect(await lost.inner.locks.holder(request.key)).toBeUndefined();
    const twice = await firstFails({ mode: "duplicate", call: "locks.acquire" });
    const held = await twice.stores.locks.acquire([request], { deadlineMs: 0, owner });
    await held.release();
    expect(await twice.inner.locks.holder(request.key)).toBeUndefined();
    expect(await twice.stores.locks.holder(request.key)).toBeUndefined();
  });

  test("a fault hits the n-th call of one port method, once or from then on", async () => {
    const clock = manualClock();
    const stores = failing(memoryStores({ clock }), [{ mode: "before", at: 2, call: "leases.now", isLasting: true }]);
    await stores.leases.now();
    await put(stores);
    await expect(stores.leases.now()).rejects.toMatchObject({ code: "store.failed" });
    await put(stores);
    await expect(stores.leases.now()).rejects.toMatchObject({ details: { call: "leases.now" } });
    expect(stores.fired.map(({ at }) => at)).toEqual([3, 5]);
  });

  test("a plan drawn from a seed is the same every time, and bounded", async () => {
    const draw = async (seed: number): Promise<readonly unknown[]> => {
      const clock = manualClock();
      const stores = failing(
        memoryStores({ clock }),
        { seed, rate: 0.3, modes: ["before", "duplicate"], faultsMax: 5 },
        { clock },
      );
      for (let call = 0; call < 50; call += 1) await stores.leases.now().catch(() => undefined);
      return stores.fired;
    };
    const fired = await draw(7);
    expect(fired).toHaveLength(5);
    expect(await draw(7)).toEqual(fired);
    expect(await draw(8)).not.toEqual(fired);
    expect(FAULT_MODES).toHaveLength(6);
  });

  test("every port method is a call, and closing closes the inner stores", async () => {
    const { stores, inner } = await firstFails({ mode: "after" });
    await stores.close();
    await expect(inner.leases.now()).rejects.toMatchObject({ code: "store.closed" });
    const ports = Object.entries(inner).filter(([, port]) => typeof port === "object");
    // what a getter tells, such as how many wait for locks, is no call
    const methods = ports.flatMap(([name, port]) =>
      Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(port)))
        .filter(([method, { get }]) => get === undefined && !["constructor", "wake", "lose", "close"].includes(method))
        .map(([method]) => `${name}.${method}`),
    );
    expect([...methods, "locks.release"].sort()).toEqual([...STORE_CALLS].sort());
  });
});
