import { describe, expect, test } from "vitest";
import { ManualEnv } from "../engine/manual-env.js";
import { Rig, rested } from "../engine/rig.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { failingStores } from "../../src/testing/failing-stores.js";
import { logProblems } from "../../src/history/attempt-rules.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { pauseMessage } from "../../src/engine/inbox-message.js";

/** What the simulation found, told once more without it. */
describe("a worker", () => {
  test("whose clock is behind the store's goes on with a run that is due by the store's (reliability row 53)", async () => {
    const env = new ManualEnv();
    env.chance = 0.99;
    const clock = {
      now: () => env.now() + 5_000,
      schedule: env.schedule.bind(env),
      sleep: env.sleep.bind(env),
    };
    let calls = 0;
    const run = async (): Promise<unknown> => {
      calls += 1;
      if (calls === 1) throw new TypeError("again");
      return "done";
    };
    const rig = new Rig({ env, stores: memoryStores({ clock }), verbs: { "test.work": { run } } });
    const retry = { attemptsMax: 3, baseMs: 20_000, maxMs: 20_000 };
    const runbook = buildRunbook({ steps: [{ id: "a", retry }] });
    const runId = await rig.submit(runbook);
    const { result } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "parked", reason: "retry" });
    const until = result.status === "parked" ? (result.until ?? 0) : 0;
    await env.advance(until - clock.now());
    expect(env.now()).toBeLessThan(until);
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result.status).toBe("completed");
  });

  test("gives a run up before its lease ends when the renewal hangs (reliability row 28)", async () => {
    const base = new Rig();
    const stores = failingStores(base.stores, [{ mode: "delay", at: 1, call: "leases.renew" }]);
    const seen: AbortSignal[] = [];
    const run = (_: unknown, ctx: { readonly signal: AbortSignal }): Promise<unknown> => {
      seen.push(ctx.signal);
      return new Promise(() => undefined);
    };
    const rig = new Rig({ env: base.env, stores, verbs: { "test.work": { run } } });
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "read" }] });
    const { end } = await rig.begin(runbook, await rig.submit(runbook));
    await base.env.advance(6_000);
    expect(seen.map(({ aborted }) => aborted)).toEqual([false]);
    await base.env.advance(1_000);
    expect(seen.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await end).toMatchObject({ kind: "lost", error: { code: "lease.stale" } });
  });

  test("settles an attempt that a crash cut off before it lets the run be paused (X12, D-064)", async () => {
    const runbook = buildRunbook({
      steps: [
        { id: "a", effect: "write", recovery: "reconcile" },
        { id: "b", dependsOn: ["a"] },
      ],
    });
    const base = new Rig({ ownerAlive: () => false, verbs: { "test.work": { run: () => new Promise(() => undefined) } } });
    const runId = await base.submit(runbook);
    const abandon = new AbortController();
    const { end } = await base.begin(runbook, runId, { abandon: abandon.signal });
    abandon.abort();
    await end;
    await base.put(pauseMessage("default", runId, { by: null, nonce: "1" }));
    const asked = { run: async () => 1, reconcile: async () => ({ kind: "done", result: 1 }) as const };
    const other = new Rig({ sharedWith: base, verbs: { "test.work": asked } });
    const { result } = rested(await other.drive(runbook, runId, {}, "recovered"));
    expect(result).toMatchObject({ status: "parked", reason: "paused" });
    expect(logProblems(await other.events(runId))).toEqual([]);
    expect(await other.story(runId)).toContain("step.completed a 1");
  });
});
