import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnyEvent } from "runseal";
import { BuiltProcess } from "./built-process.js";
import { Outside } from "./outside.js";
import { openTrouble } from "./trouble-process.js";
import { until } from "./until.js";

const SLOW = { timeout: 90_000 };
const built = new BuiltProcess("trouble");

beforeAll(() => built.build(), 60_000);
afterAll(() => {
  built.remove();
});

function freshFolder(): string {
  return mkdtempSync(join(built.folder, "t-"));
}

/** A run that waits for a worker. */
async function submitted(folder: string, which: "again" | "manual" | "wait", leaseMs?: number) {
  const here = openTrouble(folder, { trouble: "none", ...(leaseMs !== undefined && { leaseMs }) });
  const run = await here.runseal.submit(await here.seal(which));
  return { ...here, run };
}

async function logOf(run: { events(): AsyncIterable<AnyEvent> }): Promise<readonly AnyEvent[]> {
  const events: AnyEvent[] = [];
  for await (const event of run.events()) events.push(event);
  return events;
}

describe("a worker process in trouble", () => {
  test(
    "at SIGTERM takes nothing more, ends the step in flight, hands the run over and exits with 0 (reliability row 13)",
    SLOW,
    async () => {
      const folder = freshFolder();
      const { runseal, outside, run, seal } = await submitted(folder, "again");
      const { child, said, end } = built.start([folder, "slow"]);
      await until(() => outside.count("called", "again") === 1);
      child.kill("SIGTERM");
      await until(() => said().includes("draining"));
      const second = await runseal.submit(await seal("again", "acc-2"));
      writeFileSync(join(folder, "go"), "");
      expect(await end).toMatchObject({ code: 0, signal: null });
      expect(await run.status()).toMatchObject({ status: "running", counts: { completed: 1 } });
      expect((await logOf(run)).at(-1)?.kind).toBe("lock.released");
      expect((await second.status()).status).toBe("queued");
      await runseal.recover();
      expect((await run.result()).status).toBe("completed");
      expect((await second.result()).status).toBe("completed");
      expect(outside.count("called", "again")).toBe(2);
      await runseal.close();
    },
  );

  test(
    "that dies at the same step each time is given up after three crashes, counted in the log (reliability row 15)",
    SLOW,
    async () => {
      const folder = freshFolder();
      const { runseal, outside, run } = await submitted(folder, "again");
      for (let crashes = 1; crashes <= 3; crashes += 1) {
        expect((await built.start([folder, "die"]).end).signal).toBe("SIGKILL");
        expect(outside.count("called", "again")).toBe(crashes);
      }
      const last = built.start([folder, "die"]);
      await until(async () => (await run.status()).status === "failed");
      last.child.kill("SIGTERM");
      expect((await last.end).code).toBe(0);
      expect(outside.count("called", "again")).toBe(3);
      const failures = (await logOf(run)).flatMap((event) =>
        event.kind === "step.failed" ? [[event.payload.code, event.payload.attempt, event.payload.final]] : [],
      );
      expect(failures).toEqual([1, 2, 3].map((attempt) => ["orphan_attempt_recovered", attempt, attempt === 3]));
      expect(await runseal.verify(run.runId)).toMatchObject({ integrity: "ok", problems: [] });
      await runseal.close();
    },
  );

  test.each(["again", "manual"] as const)(
    "that runs out of memory in a handler loses nothing: %s is settled as after a crash, other processes go on (reliability rows 4, 16)",
    SLOW,
    async (which) => {
      const folder = freshFolder();
      const { runseal, outside, run, seal } = await submitted(folder, which);
      const { end } = built.start([folder, "memory"], ["--max-old-space-size=48"]);
      await until(() => outside.count("called", which) === 1);
      const other = await (await runseal.execute(await seal("wait", "acc-9"))).result();
      expect(other).toMatchObject({ status: "failed", code: "wait.timeout" });
      const { text, code } = await end;
      expect(code).not.toBe(0);
      expect(text).toContain("heap");
      await runseal.recover();
      const result = await run.result();
      if (which === "again") expect(result.status).toBe("completed");
      else expect(result).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "manual" });
      expect(outside.lines.filter((line) => line.stepId === which)).toHaveLength(which === "again" ? 2 : 1);
      expect(new Set(outside.lines.filter((line) => line.stepId === which).map((line) => line.key)).size).toBe(1);
      await runseal.close();
    },
  );

  test(
    "whose handler blocks the event loop loses the lease, another goes on, and nothing that it does later counts (reliability rows 14, 72)",
    SLOW,
    async () => {
      const folder = freshFolder();
      const { runseal, outside, run } = await submitted(folder, "again", 300);
      const { child, end } = built.start([folder, "block", "300"]);
      await until(() => outside.count("called", "again") === 1);
      await until(async () => (await runseal.recover()).length > 0);
      expect((await run.result()).status).toBe("completed");
      const log = await logOf(run);
      writeFileSync(join(folder, "go"), "");
      child.kill("SIGTERM");
      expect((await end).code).toBe(0);
      expect(await logOf(run)).toEqual(log);
      const epochs = log.map((event) => event.epoch);
      expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
      expect(outside.count("called", "again")).toBe(2);
      await runseal.close();
    },
  );

  test(
    "with a rejection that nobody waits for dies loudly, and its run goes on elsewhere (reliability row 74)",
    SLOW,
    async () => {
      const folder = freshFolder();
      const { runseal, run } = await submitted(folder, "again");
      const { text, code } = await built.start([folder, "float"]).end;
      expect(code).toBe(1);
      expect(text).toContain("TypeError: nobody waits for this");
      await runseal.recover();
      expect((await run.result()).status).toBe("completed");
      await runseal.close();
    },
  );

  test("whose host listens for such rejections hears of it, and the run does not (reliability row 74)", SLOW, async () => {
    const folder = freshFolder();
    const { runseal, run } = await submitted(folder, "again");
    const { child, end } = built.start([folder, "float", "10000", "0", "guarded"]);
    expect((await run.result()).status).toBe("completed");
    child.kill("SIGTERM");
    const { text, code } = await end;
    expect([code, text.includes("floating: nobody waits for this")]).toEqual([0, true]);
    expect((await logOf(run)).filter((event) => event.kind === "step.entered").map((event) => event.payload.attempt)).toEqual([
      1, 1,
    ]);
    await runseal.close();
  });

  test(
    "that dies while a run waits for a time: it passes once, in another process, also where it lies in the past (reliability row 11)",
    SLOW,
    async () => {
      const folder = freshFolder();
      const { runseal, run, worker } = await submitted(folder, "wait");
      const at = Date.now() + 1_500;
      expect((await built.start([folder, "wait", "10000", String(at)]).end).signal).toBe("SIGKILL");
      expect(await run.status()).toMatchObject({ status: "parked", waitingFor: { stepId: "wait", until: at } });
      await until(() => Date.now() > at);
      await until(async () => (await worker.tick()).taken > 0);
      await worker.tick();
      expect(await run.result()).toMatchObject({ status: "failed", code: "wait.timeout", stepId: "wait" });
      const fired = (await logOf(run)).filter((event) => event.kind === "step.failed");
      expect(fired).toHaveLength(1);
      expect(new Outside(folder).count("called", "wait")).toBe(1);
      await runseal.close();
    },
  );
});
