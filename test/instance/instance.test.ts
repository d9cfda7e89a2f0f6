import { describe, expect, test } from "vitest";
import { createRunseal, createWorker, isRunsealError, memoryStores, RunsealError } from "runseal";
import { manualClock, waitForPark } from "runseal/testing";
import { compiled, openShop, shop } from "./shop.js";

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "nothing was thrown";
  } catch (error) {
    return isRunsealError(error) ? error.code : String(error);
  }
}

describe("looking before running (decision 2.10, A-144)", () => {
  test("diff says what changed, conflicts says which can't run together and over what", async () => {
    const { runseal } = openShop();
    const a = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const b = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea", "milk"] });
    const c = await compiled(runseal, "order.buy", { order: "o-2", items: ["tea"] });
    const diff = await runseal.diff(a.id, b.id);
    expect(diff.added).toEqual(["items[milk]/reserve"]);
    expect(diff.text).toContain("items[milk]/reserve");
    const conflicts = await runseal.conflicts([a.id, b.id, c.id]);
    expect(conflicts).toHaveLength(1);
    expect(JSON.stringify(conflicts)).toContain("o-1");
  });

  test("a session counts its compilations, and the count is not part of the id (X2, X3, A-031)", async () => {
    const { runseal } = openShop();
    const versions: (number | null)[] = [];
    for (const item of ["tea", "milk", "milk"]) {
      const outcome = await runseal.compile(
        { name: "order.buy", args: { order: "o-1", items: [item] } },
        { intent: "t", session: { id: "s-1" } },
      );
      if (outcome.kind === "compiled") versions.push(outcome.version);
    }
    expect(versions).toEqual([1, 2, 2]);
    const [first, other] = await Promise.all([
      runseal.compile({ name: "order.buy", args: { order: "o-1", items: ["tea"] } }, { intent: "t", session: { id: "s-2" } }),
      runseal.compile({ name: "order.buy", args: { order: "o-1", items: ["tea"] } }, { intent: "t" }),
    ]);
    expect(first).toMatchObject({ kind: "compiled", version: 1, isNew: false });
    expect(other).toMatchObject({ kind: "compiled", version: null, isNew: false });
  });

  test("without a policy, with a failing one, or with one that allows less, compiling fails closed (A-035, A-090, decision 2.5)", async () => {
    const stores = memoryStores();
    const compileWith = async (policy: Parameters<typeof createRunseal>[0]["policy"]) => {
      const runseal = createRunseal({ catalog: shop, stores, ...(policy === undefined ? {} : { policy }) });
      const outcome = await runseal.compile({ name: "order.buy", args: { order: "o-1", items: ["tea"] } }, { intent: "t" });
      return outcome.kind === "compilation_error" ? outcome.errorKind : outcome.kind;
    };
    expect(await compileWith(undefined)).toBe("policy_unavailable");
    expect(await compileWith({ name: "down", allowed: () => Promise.reject(new TypeError("down")) })).toBe("policy_unavailable");
    expect(await compileWith({ name: "some", allowed: () => ["math.*"] })).toBe("policy_denied");
    expect(await compileWith({ name: "enough", allowed: () => ["math.add", "stock.reserve"] })).toBe("compiled");
  });

  test("a store that fails gives store_failed, and nothing is kept (A-034)", async () => {
    const stores = memoryStores();
    const runbooks = { ...stores.runbooks, put: () => Promise.reject(new TypeError("disk")) };
    const runseal = createRunseal({
      catalog: shop,
      stores: { ...stores, runbooks },
      policy: { name: "all", allowed: () => "all" },
    });
    const outcome = await runseal.compile({ name: "math.add", args: { a: 1, b: 2 } }, { intent: "t" });
    expect(outcome).toMatchObject({ kind: "compilation_error", errorKind: "store_failed", sourcePhase: "store" });
    expect(await stores.runbooks.list("default")).toEqual([]);
  });

  test("a broken invariant of our own gives internal_error, and nothing is kept (decision 2.4)", async () => {
    const stores = memoryStores();
    const broken = new RunsealError("internal.invariant", "broken invariant: ids match", { rule: "ids match" });
    const runseal = createRunseal({
      catalog: shop,
      stores: { ...stores, runbooks: { ...stores.runbooks, put: () => Promise.reject(broken) } },
      policy: { name: "all", allowed: () => "all" },
    });
    const outcome = await runseal.compile({ name: "math.add", args: { a: 1, b: 2 } }, { intent: "t" });
    expect(outcome).toMatchObject({
      kind: "compilation_error",
      errorKind: "internal_error",
      findings: [{ code: "internal.invariant" }],
    });
    expect(await stores.runbooks.list("default")).toEqual([]);
  });
});

describe("holding entities (A-130, decision 2.8)", () => {
  test("host code and runs take the same locks: a run waits for them, and says who holds them when its time is up (A-011, A-124)", async () => {
    const clock = manualClock();
    const { runseal } = openShop({ clock, stores: memoryStores({ clock }), lockDeadlineMs: 1_000 });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const ended = await runseal.withLocks([{ kind: "order", id: "o-1" }], async () => {
      const run = await runseal.execute(runbook.id);
      const result = run.result();
      await clock.untilWaiting(3); // the renewal of the lease, its end, and the end of waiting for the lock
      await clock.advance(2_000);
      return result;
    });
    expect(ended).toMatchObject({ status: "failed", code: "lock.contention" });
    const rehearsal = await runseal.dryRun(runbook.id);
    expect(rehearsal.heldLocks).toEqual([]);
    const again = await runseal.execute(runbook.id);
    expect((await again.result()).status).toBe("completed");
  });
});

describe("life of an instance (decision 3.3a)", () => {
  test("a pause parks at the next boundary, and resume goes on", async () => {
    let paused: Promise<void> | undefined;
    const { runseal } = openShop({
      answers: {
        "stock.reserve": ({ item }: { item: string }, ctx: { runId: string }) => {
          paused ??= runseal.pause(ctx.runId);
          return paused.then(() => ({ reservation: item }));
        },
      },
    });
    const run = await runseal.execute((await compiled(runseal, "order.buy", { order: "o-1", items: ["tea", "milk"] })).id);
    const parked = await waitForPark(run, "paused");
    expect(parked.status).toBe("parked");
    expect((await run.status()).counts.completed).toBeLessThan(3);
    expect(await (await runseal.resume(run.runId)).result()).toMatchObject({ status: "completed" });
  });

  test("close lets a run reach its boundary and hands it over; another instance goes on with it", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const stores = memoryStores();
    let enter: () => void = () => undefined;
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const reserve = ({ item }: { item: string }): unknown => {
      enter();
      return gate.then(() => ({ reservation: item }));
    };
    const slow = openShop({ stores, answers: { "stock.reserve": reserve } });
    const run = await slow.runseal.execute(
      (await compiled(slow.runseal, "order.buy", { order: "o-1", items: ["tea", "milk"] })).id,
    );
    await entered;
    const closed = slow.runseal.close();
    release();
    await closed;
    expect(await codeOf(slow.runseal.status(run.runId))).toBe("store.closed");
    const other = openShop({ stores: memoryStores({ sharedWith: stores }) });
    expect((await other.runseal.status(run.runId)).status).not.toBe("completed");
    const [taken] = await other.runseal.recover();
    expect(await taken?.result()).toMatchObject({ status: "completed" });
    expect(other.calls.map((call) => call.stepId)).not.toContain("items[tea]/reserve");
  });

  test("a wait that nobody answers in time fails as wait.timeout, fired by the worker", async () => {
    const clock = manualClock();
    const { runseal } = openShop({
      clock,
      stores: memoryStores({ clock }),
      answers: {
        "parcel.ship": (_args: unknown, ctx: { park(options: { until: string }): unknown }) => ctx.park({ until: "1h" }),
      },
    });
    const run = await runseal.execute((await compiled(runseal, "parcel.ship", { order: "o-1" })).id);
    const parked = await waitForPark(run, "awaiting_signal");
    expect(parked.until).toBe(clock.now() + 3_600_000);
    await clock.advance(3_600_000);
    await createWorker(runseal).tick();
    expect(await run.result()).toMatchObject({ status: "failed", code: "wait.timeout" });
  });

  test("scopes share nothing: runs, heads, lists, runbooks, approvals (A-020, A-023)", async () => {
    const { runseal } = openShop();
    const a = runseal.withScope("a");
    const b = runseal.withScope("b");
    const inA = await compiled(a, "order.buy", { order: "o-1", items: ["tea"] });
    const inB = await compiled(b, "order.buy", { order: "o-1", items: ["tea"] });
    expect(inA.id).not.toBe(inB.id);
    const run = await a.execute(inA.id);
    await run.result();
    expect(await b.list()).toEqual([]);
    expect((await b.head()).seq).toBe(0);
    expect((await a.head()).seq).toBeGreaterThan(5);
    expect((await a.head(run.runId)).hash).toBe((await run.status()).hash);
    expect(() => runseal.withScope("no/slash")).toThrow(/scope/);
  });

  test("a handler of no verb, and one that does not fit, are refused when the instance is made", () => {
    const make = (handlers: object) => () =>
      createRunseal({ catalog: shop, stores: memoryStores(), handlers: handlers as never });
    expect(make({ "stock.reserv": () => undefined })).toThrow(/stock\.reserv.*stock\.reserve/);
    expect(make({ "stock.reserve": 5 })).toThrow(/must be a function/);
  });
});
