import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { ManualEnv } from "./manual-env.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook } from "./build-runbook.js";
import { claimRun } from "../../src/engine/claim-run.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { runStream } from "../../src/model/ids.js";

const HOUR = 3_600_000;
const forever = (): Promise<never> => new Promise(() => undefined);
const writing = buildRunbook({
  steps: [
    { id: "a", effect: "write" },
    { id: "b", effect: "write" },
  ],
});

/** The same passing of time, told by a clock that is wrong. */
class WrongEnv extends ManualEnv {
  readonly #true: ManualEnv;
  wrongMs: number;

  constructor(right: ManualEnv, wrongMs: number) {
    super();
    this.#true = right;
    this.wrongMs = wrongMs;
  }

  override now(): number {
    return this.#true.now() + this.wrongMs;
  }

  override schedule(ms: number, callback: () => void): { cancel(): void } {
    return this.#true.schedule(ms, callback);
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#true.sleep(ms, signal);
  }

  override advance(ms: number): Promise<void> {
    return this.#true.advance(ms);
  }

  override until<T>(work: Promise<T>, limitMs?: number): Promise<T> {
    return this.#true.until(work, limitMs);
  }
}

function claimOf(rig: Rig, runId: string): ReturnType<typeof claimRun> {
  return claimRun(rig.parts, { scope: "default", runId, runbook: writing, reason: "recovered", build: {}, approvals: null });
}

describe("a clock that is wrong", () => {
  test.each([-HOUR, HOUR])(
    "by %i ms in a worker moves no lease and no time in the log: the store's clock decides (reliability row 53)",
    async (wrongMs) => {
      const right = new ManualEnv();
      const stores = memoryStores({ clock: right });
      const abandon = new AbortController();
      const holder = new Rig({ env: right, stores, verbs: { "test.work": { run: forever } } });
      const rival = new Rig({
        env: new WrongEnv(right, wrongMs),
        stores: memoryStores({ sharedWith: stores }),
        verbs: { "test.work": { run: async () => 1 } },
      });
      const runId = await holder.submit(writing);
      const begunAt = right.now();
      const { end } = await holder.begin(writing, runId, { abandon: abandon.signal });
      expect(await claimOf(rival, runId)).toMatchObject({ kind: "refused", error: { code: "lease.held" } });
      await right.advance(30_000);
      expect(await claimOf(rival, runId)).toMatchObject({ kind: "refused", error: { code: "lease.held" } });
      abandon.abort();
      expect((await right.until(end)).kind).toBe("lost");
      expect(await claimOf(rival, runId)).toMatchObject({ kind: "refused", error: { code: "lease.held" } });
      await right.advance(10_001);
      expect(rested(await rival.drive(writing, runId, {}, "recovered")).result.status).toBe("completed");
      for await (const event of stores.reader.read("default", runStream(runId))) {
        expect(event.at).toBeGreaterThanOrEqual(begunAt);
        expect(event.at).toBeLessThanOrEqual(right.now());
      }
    },
  );

  test("that jumps back and forth between events leaves their order, and no time that was held is negative (reliability row 54)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -HOUR, max: HOUR }), { minLength: 1, maxLength: 20 }), async (jumps) => {
        const right = new ManualEnv();
        const wrong = new WrongEnv(right, 0);
        let calls = 0;
        const run = async (): Promise<number> => {
          wrong.wrongMs += jumps[calls % jumps.length] ?? 0;
          calls += 1;
          if (calls === 2) throw Object.assign(new TypeError("busy"), { retryable: true });
          return calls;
        };
        const rig = new Rig({ env: wrong, stores: memoryStores({ clock: wrong }), verbs: { "test.work": { run } } });
        const runId = await rig.submit(writing);
        for (let end = await rig.drive(writing, runId); rested(end).result.status === "parked";) {
          await right.advance(3 * HOUR);
          end = await rig.drive(writing, runId, {}, "wake");
        }
        const events = await rig.events(runId);
        expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
        expect(events.at(-1)?.kind).toBe("run.completed");
        const spans = events.flatMap((event) =>
          event.kind === "lock.released"
            ? [event.payload.heldMs]
            : event.kind === "lock.acquired"
              ? [event.payload.waitedMs]
              : [],
        );
        expect(spans.filter((ms) => ms < 0)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test("of the store that jumps back leaves the decision to the epoch: the next owner fences the last (reliability row 57)", async () => {
    const right = new ManualEnv();
    const storeClock = new WrongEnv(right, 0);
    const stores = memoryStores({ clock: storeClock });
    const holder = new Rig({ env: right, stores, verbs: { "test.work": { run: forever } } });
    const rival = new Rig({
      env: right,
      stores: memoryStores({ sharedWith: stores }),
      verbs: { "test.work": { run: async () => 1 } },
    });
    const runId = await holder.submit(writing);
    const { end } = await holder.begin(writing, runId);
    storeClock.wrongMs = -HOUR;
    expect(await claimOf(rival, runId)).toMatchObject({ kind: "refused", error: { code: "lease.held" } });
    storeClock.wrongMs = HOUR;
    const taken = await claimOf(rival, runId);
    expect(taken).toMatchObject({ kind: "claimed", run: { state: { epoch: 2 } } });
    storeClock.wrongMs = -HOUR;
    expect(await right.until(end)).toMatchObject({ kind: "lost", error: { code: "lease.stale" } });
    expect((await rival.events(runId)).filter((event) => event.epoch === 1).map((event) => event.seq)).not.toContain(
      (await rival.events(runId)).length,
    );
  });
});
