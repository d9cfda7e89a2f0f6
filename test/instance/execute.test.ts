import { describe, expect, test } from "vitest";
import { createRunseal, isRunsealError, memoryStores } from "runseal";
import { waitForPark } from "runseal/testing";
import { compiled, openShop, shop } from "./shop.js";

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "nothing was thrown";
  } catch (error) {
    return isRunsealError(error) ? error.code : String(error);
  }
}

describe("run and execute (A-001, A-120..A-123)", () => {
  test("run compiles, executes and gives the typed output of the macro", async () => {
    const { runseal, calls } = openShop();
    const output = await runseal.run("order.buy", { order: "o-1", items: ["tea", "milk"] }, { intent: "t-1" });
    expect(output).toEqual({ reservations: ["r-tea", "r-milk"], sum: 5 });
    expect(calls.map((call) => call.stepId)).toEqual(["items[tea]/reserve", "items[milk]/reserve", "sum"]);
    expect(new Set(calls.map((call) => call.idempotencyKey)).size).toBe(3);
    await runseal.close();
  });

  test("the same intent is the same run, another intent another run (decision 1.6)", async () => {
    const { runseal, calls } = openShop();
    await runseal.run("order.buy", { order: "o-1", items: ["tea"] }, { intent: "t-1" });
    await runseal.run("order.buy", { order: "o-1", items: ["tea"] }, { intent: "t-1" });
    expect(calls).toHaveLength(2);
    await runseal.run("order.buy", { order: "o-1", items: ["tea"] }, { intent: "t-2" });
    expect(calls).toHaveLength(4);
    expect(await runseal.list()).toHaveLength(2);
  });

  test("a finished runbook that is executed again gives the run that it had (X4, X.5-6)", async () => {
    const { runseal } = openShop();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const first = await runseal.execute(runbook.id);
    await first.result();
    const before = (await runseal.status(first.runId)).seq;
    await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const second = await runseal.execute(runbook.id);
    expect(second.runId).toBe(first.runId);
    expect((await runseal.status(first.runId)).seq).toBe(before);
  });

  test("a run that is executed exists and has started in one commit: nobody sees it queued (X4)", async () => {
    const commits: string[][] = [];
    const stores = memoryStores();
    const events = {
      ...stores.events,
      commit: (...[writes, options]: Parameters<typeof stores.events.commit>) => {
        commits.push(writes.flatMap((write) => write.events.map((event) => event.kind)));
        return stores.events.commit(writes, options);
      },
    };
    const { runseal } = openShop({ stores: { ...stores, events } });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const [one, other] = await Promise.all([runseal.execute(runbook.id), runseal.execute(runbook.id)]);
    expect(other.runId).toBe(one.runId);
    await one.result();
    expect(commits.find((kinds) => kinds.includes("run.submitted"))).toEqual(["run.submitted", "lease.taken", "run.started"]);
    expect(await runseal.list()).toHaveLength(1);
  });

  test("what is not a sealed runbook of this scope can't run: raw names, verbs, foreign ids (A-001, A-152)", async () => {
    const { runseal } = openShop();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    expect(await codeOf(runseal.execute("order.buy"))).toBe("runbook.not_found");
    expect(await codeOf(runseal.execute(`rb_${"0".repeat(64)}`))).toBe("runbook.not_found");
    expect(await codeOf(runseal.withScope("other").execute(runbook.id))).toBe("runbook.not_found");
  });

  test("an instance without handlers compiles and previews, and refuses to execute (decision 3.3a)", async () => {
    const { stores } = openShop();
    const console = createRunseal({ catalog: shop, stores, policy: { name: "all", allowed: () => "all" } });
    const runbook = await compiled(console, "order.buy", { order: "o-1", items: ["tea"] });
    expect((await console.preview(runbook.id)).steps).toHaveLength(2);
    const rehearsal = await console.dryRun(runbook.id);
    expect(rehearsal.blockers.map((blocker) => blocker.code)).toEqual(["admission.handler_missing", "admission.handler_missing"]);
    expect(await codeOf(console.execute(runbook.id))).toBe("admission.refused");
    expect(await console.list()).toEqual([]);
  });

  test("compiling inside a running step is forbidden, and fails the step (X.5-13, A-152)", async () => {
    const seen: string[] = [];
    const { runseal } = openShop({
      answers: {
        "math.add": async () => {
          seen.push(await codeOf(runseal.compile({ name: "math.add", args: { a: 1, b: 2 } }, { intent: "inner" })));
          return { sum: 1 };
        },
      },
    });
    await runseal.run("math.add", { a: 1, b: 1 }, { intent: "outer" });
    expect(seen).toEqual(["compile.reexpansion_forbidden"]);
  });

  test("a writing runbook without a lock manager is refused; the testing token lets it pass (X.5-14)", async () => {
    const { locks: _none, ...stores } = memoryStores();
    const { runseal } = openShop({ stores });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    expect(await codeOf(runseal.execute(runbook.id))).toBe("lock.required");
    expect(() => openShop({ unlocked: {} as never })).toThrow(/allowUnlocked/);
    const { allowUnlocked } = await import("runseal/testing");
    const open = openShop({ stores, unlocked: allowUnlocked() }).runseal;
    expect((await (await open.execute(runbook.id)).result()).status).toBe("completed");
  });

  test("options that can't be right are refused by name, and nothing is stored", async () => {
    const { runseal } = openShop();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    expect(await codeOf(runseal.execute(runbook.id, { queue: "bad queue" }))).toBe("run.invalid_option");
    expect(await codeOf(runseal.execute(runbook.id, { concurrency: 0 }))).toBe("run.invalid_option");
    expect(await codeOf(runseal.execute(runbook.id, { labels: { a: null as never } }))).toBe("run.invalid_option");
    expect(await runseal.list()).toEqual([]);
  });

  test("a lookup whose answer changed since sealing refuses the start (decision 2.1a)", async () => {
    let cents = 21;
    const { runseal } = openShop({ answers: { "price.quote": () => ({ cents }) } });
    const runbook = await compiled(runseal, "order.quoted", { item: "tea" });
    cents = 22;
    expect(await codeOf(runseal.execute(runbook.id))).toBe("admission.plan_stale");
    cents = 21;
    expect((await (await runseal.execute(runbook.id)).result()).status).toBe("completed");
  });
});

describe("parks, decisions and signals (A-117, X18, X19, decision 3.9)", () => {
  test("a human gate parks, a decision completes it, a durable step parks on its key, a signal completes that", async () => {
    const { runseal, calls } = openShop();
    const runbook = await compiled(runseal, "order.deliver", { order: "o-1" });
    const run = await runseal.execute(runbook.id);
    const gate = await waitForPark(run, "human_gate");
    expect(gate.stepId).toBe("confirm");
    expect(calls).toEqual([]);
    await runseal.decide(run.runId, "confirm", { verdict: "approve", principal: { subject: "ines" }, payload: { note: "go" } });
    const parked = await waitForPark(await runseal.resume(run.runId), "awaiting_signal");
    expect(parked.stepId).toBe("ship");
    await runseal.signal(run.runId, String(parked.key), { parcel: "p-9" });
    await runseal.signal(run.runId, String(parked.key), { parcel: "p-9" });
    expect(await codeOf(runseal.signal(run.runId, String(parked.key), { parcel: "p-8" }))).toBe("signal.conflict");
    const end = await (await runseal.resume(run.runId)).result();
    expect(end).toMatchObject({ status: "completed", output: { note: "go", parcel: "p-9" } });
    expect(calls.map((call) => call.stepId)).toEqual(["ship"]);
    expect(await codeOf(runseal.signal(run.runId, "late", 1))).toBe("run.terminal");
    expect(await runseal.verify(run.runId)).toMatchObject({
      integrity: "ok",
      completeness: "full",
      status: "completed",
      problems: [],
    });
  });

  test("a payload that does not fit is refused to its sender and the run is untouched", async () => {
    const { runseal } = openShop();
    const run = await runseal.execute((await compiled(runseal, "order.deliver", { order: "o-1" })).id);
    await waitForPark(run);
    const seq = (await run.status()).seq;
    const approve = (payload: unknown) =>
      runseal.decide(run.runId, "confirm", { verdict: "approve", principal: { subject: "ines" }, payload });
    expect(await codeOf(approve({ note: 5 }))).toBe("signal.invalid");
    expect(await codeOf(runseal.decide(run.runId, "ship", { verdict: "approve", principal: { subject: "ines" } }))).toBe(
      "step.not_waiting",
    );
    expect(await codeOf(runseal.decide(run.runId, "confirm", { verdict: "approve" }))).toBe("admission.unauthenticated");
    expect((await run.status()).seq).toBe(seq);
  });

  test("a rejection fails the step and the run, and is not tried again", async () => {
    const { runseal } = openShop();
    const run = await runseal.execute((await compiled(runseal, "order.deliver", { order: "o-1" })).id);
    await waitForPark(run);
    await runseal.decide(run.runId, "confirm", { verdict: "reject", principal: { subject: "ines" }, note: "no" });
    expect(await (await runseal.resume(run.runId)).result()).toMatchObject({ status: "failed", code: "decision.rejected" });
  });

  test("canceling a parked run ends it, whoever drives it", async () => {
    const { runseal } = openShop();
    const run = await runseal.execute((await compiled(runseal, "order.deliver", { order: "o-1" })).id);
    await waitForPark(run);
    await run.cancel("changed my mind");
    expect(await run.result()).toMatchObject({ status: "canceled", reason: "changed my mind" });
    expect(await codeOf(run.cancel())).toBe("run.terminal");
  });

  test("a cancel that comes in while a commit is under way is heeded at once, not at the next one (A-123)", async () => {
    const inner = memoryStores();
    const put = { scope: "default", key: "cancel-1", kind: "cancel", payload: { reason: "too late", by: null } } as const;
    const events = {
      ...inner.events,
      commit: async (...[writes, options]: Parameters<typeof inner.events.commit>) => {
        const answer = await inner.events.commit(writes, options);
        const isEntry = writes.some((write) => write.events.some((event) => event.kind === "step.entered"));
        const [write] = writes;
        if (isEntry && write !== undefined) await inner.inbox.put({ ...put, runId: write.stream.slice("run/".length) });
        return answer;
      },
    };
    const reserve = (_args: unknown, { signal }: { signal: AbortSignal }): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reject(new TypeError("stopped"));
        });
      });
    const { runseal } = openShop({ stores: { ...inner, events }, answers: { "stock.reserve": reserve } });
    const run = await runseal.execute((await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] })).id);
    expect(await run.result()).toMatchObject({ status: "canceled", reason: "too late" });
  });

  test("an unknown run answers run.not_found to every call, in every scope but its own", async () => {
    const { runseal } = openShop();
    const run = await runseal.execute((await compiled(runseal, "order.deliver", { order: "o-1" })).id);
    await waitForPark(run);
    const other = runseal.withScope("other");
    for (const work of [
      other.status(run.runId),
      other.signal(run.runId, "k", 1),
      other.cancel(run.runId),
      other.pause(run.runId),
      other.resume(run.runId),
      other.verify(run.runId),
    ]) {
      expect(await codeOf(work)).toBe("run.not_found");
    }
    expect(await other.list()).toEqual([]);
  });
});
