import { expect, test } from "vitest";
import type { StepContext } from "../../src/model/step-context.js";
import { ManualEnv } from "./manual-env.js";
import { Rig, rested } from "./rig.js";
import { atStoreTime } from "../../src/engine/store-time.js";
import { buildRunbook } from "./build-runbook.js";

/** A clock that is set back by an hour the next time it is read after `isDue`. */
class SetBackEnv extends ManualEnv {
  isDue = (): boolean => false;
  #backMs = 0;

  override now(): number {
    if (this.#backMs === 0 && this.isDue()) this.#backMs = 3_600_000;
    return super.now() - this.#backMs;
  }
}

test("the time of a drive is the store's, goes forward only, and goes on with the timers that were slept through", async () => {
  const env = new SetBackEnv();
  const began = env.now();
  const timed = atStoreTime(env, 500);
  expect(timed.now()).toBe(began + 500);
  env.isDue = () => true;
  expect(timed.now()).toBe(began + 500);
  const fired: number[] = [];
  timed.schedule(200, () => fired.push(timed.now()));
  const slept = timed.sleep(300).then(() => fired.push(timed.now()));
  const given = new AbortController();
  const aborted = timed.sleep(60_000, given.signal).then(() => fired.push(timed.now()));
  await env.advance(300);
  given.abort();
  await Promise.all([slept, aborted]);
  expect(fired).toEqual([began + 700, began + 800, began + 800]);
  expect(timed.entropy(2)).toHaveLength(2);
});

test("a clock that is set back after a deadline has passed leaves it passed: the run ends, fenced once (reliability row 54)", async () => {
  const env = new SetBackEnv();
  const run = (_args: unknown, ctx: StepContext): Promise<never> =>
    new Promise(() => {
      ctx.signal.addEventListener("abort", () => {
        env.isDue = () => true;
      });
    });
  const rig = new Rig({ env, verbs: { "test.work": { run } } });
  const steps = [{ id: "a", effect: "write" } as const, { id: "b", effect: "write", dependsOn: ["a"] } as const];
  const runbook = buildRunbook({ steps, execution: { deadlineMs: 5_000 } });
  const runId = await rig.submit(runbook);
  const end = rested(await rig.drive(runbook, runId));
  expect(end.result).toMatchObject({ status: "failed", code: "run.deadline_passed" });
  expect((await rig.story(runId)).filter((line) => line.startsWith("step.fenced"))).toHaveLength(1);
});
