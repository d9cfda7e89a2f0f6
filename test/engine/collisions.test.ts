import { describe, expect, test } from "vitest";
import type { LockManager, LockRequest } from "../../src/stores/lock-manager.js";
import type { Stores } from "../../src/stores/stores.js";
import { ManualEnv } from "./manual-env.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook, written } from "./build-runbook.js";
import { cancelMessage } from "../../src/engine/inbox-message.js";
import { driveRun } from "../../src/engine/drive-run.js";
import { lockKeyOf } from "../../src/history/lock-requests.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";

/** A key as a hash of eight bits would give it. */
const narrow = (key: string): string => key.slice(0, 2).padStart(16, "0");

/** Locks as they would be if names were hashed to eight bits. */
function narrowLocks(inner: LockManager): LockManager {
  return {
    acquire: (requests, options) => {
      const byKey = new Map<string, LockRequest>();
      for (const request of requests) {
        const key = narrow(request.key);
        if (byKey.get(key)?.access !== "write") byKey.set(key, { ...request, key });
      }
      return inner.acquire(
        [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
        options,
      );
    },
    holder: (key) => inner.holder(narrow(key)),
  };
}

function accountRunbook(ids: readonly string[]) {
  return buildRunbook({
    steps: [{ id: "a", effect: "write", writes: ids.map((id) => written("account", id)) }],
    intent: ids.join(),
  });
}

describe("names that share a lock key (reliability row 45)", () => {
  test("only wait for each other: both runs end well, one after the other; a third one does not wait", async () => {
    const keyOf = (id: string): string => narrow(lockKeyOf("default", { kind: "account", id }));
    const ids = Array.from({ length: 600 }, (_, index) => `acc-${index}`);
    const other = ids.find((id) => id !== "acc-0" && keyOf(id) === keyOf("acc-0")) ?? "";
    const third = ids.find((id) => keyOf(id) !== keyOf("acc-0")) ?? "";
    expect(other).toMatch(/^acc-\d+$/);
    const env = new ManualEnv();
    const memory = memoryStores({ clock: env });
    const stores: Stores = { ...memory, locks: narrowLocks(memory.locks) };
    const order: string[] = [];
    const rig = new Rig({
      env,
      stores,
      verbs: {
        "test.work": {
          run: async (_args, ctx) => {
            order.push(`${ctx.runId.slice(-1)} begins`);
            await env.sleep(100);
            order.push(`${ctx.runId.slice(-1)} ends`);
            return 1;
          },
        },
      },
    });
    const ends = [];
    for (const id of ["acc-0", other, third]) {
      const runbook = accountRunbook([id]);
      ends.push(driveRun(rig.parts, await rig.claim(runbook, await rig.submit(runbook))));
    }
    const results = (await env.until(Promise.all(ends))).map((end) => rested(end).result);
    expect(results.map((result) => result.status)).toEqual(["completed", "completed", "completed"]);
    const [a, b, c] = results.map((result) => result.runId.slice(-1));
    const spans = (run: string | undefined): readonly number[] => [order.indexOf(`${run} begins`), order.indexOf(`${run} ends`)];
    expect(spans(b)[0]).toBeGreaterThan(spans(a)[1] ?? 0);
    expect(spans(c)[0]).toBeLessThan(spans(a)[1] ?? 0);
  });

  test("in one write-set are one lock: the run does not wait for itself (reliability row 46)", async () => {
    const env = new ManualEnv();
    const memory = memoryStores({ clock: env });
    const rig = new Rig({
      env,
      stores: { ...memory, locks: narrowLocks(memory.locks) },
      verbs: { "test.work": { run: async () => 1 } },
    });
    const end = await rig.execute(accountRunbook(Array.from({ length: 400 }, (_, index) => `acc-${index}`)));
    expect(rested(end).result.status).toBe("completed");
  });
});

describe("a cancel that arrives while steps complete (reliability row 51)", () => {
  test("at any commit: the run has exactly one end, that which the log has first", async () => {
    const steps = ["a", "b", "c"].map((id) => ({ id, effect: "write" as const }));
    const runbook = buildRunbook({ steps });
    const ends = new Set<string>();
    for (let nth = 1; ; nth += 1) {
      const env = new ManualEnv();
      const memory = memoryStores({ clock: env });
      let commits = 0;
      let answer = "";
      const stores: Stores = {
        ...memory,
        events: {
          commit: async (writes, options) => {
            commits += 1;
            const runId = writes[0]?.stream.slice("run/".length) ?? "";
            if (commits === nth)
              answer = (await memory.inbox.put(cancelMessage("default", runId, { reason: "no", by: null }))).kind;
            return memory.events.commit(writes, options);
          },
          commitMany: (commits_) => memory.events.commitMany(commits_),
        },
      };
      const rig = new Rig({ env, stores, verbs: { "test.work": { run: async () => 1 } } });
      const runId = await rig.submit(runbook);
      const { result, view } = rested(await rig.drive(runbook, runId));
      if (answer === "") break;
      const story = await rig.events(runId);
      const terminal = story.filter((event) => ["run.completed", "run.canceled", "run.failed"].includes(event.kind));
      expect(
        terminal.map((event) => event.kind),
        `commit ${nth}`,
      ).toEqual([`run.${result.status}`]);
      expect(story.at(-1)?.kind).toBe(`run.${result.status}`);
      if (result.status === "completed") expect(view.counts.completed).toBe(3);
      ends.add(result.status);
    }
    expect([...ends].sort()).toEqual(["canceled", "completed"]);
  });
});
