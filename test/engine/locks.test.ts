import { describe, expect, test } from "vitest";
import type { EngineParts } from "../../src/engine/parts.js";
import type { HeldLocks, LockManager } from "../../src/stores/lock-manager.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook, resultOf, written } from "./build-runbook.js";
import { cancelMessage, pauseMessage } from "../../src/engine/inbox-message.js";
import { chainEvent, emptyHead } from "../../src/history/chain.js";
import { claimRun } from "../../src/engine/claim-run.js";
import { driveRun } from "../../src/engine/drive-run.js";
import { lockKeyOf, lockRequestsOf } from "../../src/history/lock-requests.js";
import { runbookStream } from "../../src/model/ids.js";

const forever = (): Promise<never> => new Promise(() => undefined);
const work = { run: async () => null };

function account(id: string) {
  return { effect: "write", writes: [written("account", id)] } as const;
}

/** A rig and somebody else who holds locks on entities of its stores. */
async function withHolder(
  ids: readonly string[],
  rig = new Rig({ verbs: { "test.work": work } }),
): Promise<{ rig: Rig; held: HeldLocks }> {
  const requests = lockRequestsOf(
    "default",
    ids.map((id) => ({ kind: "account", id, access: "write" })),
  );
  const owner = { scope: "default", runId: "other-run", runbookId: `rb_${"0".repeat(64)}`, holder: "other-process" } as const;
  const held = await rig.stores.locks?.acquire(requests, { deadlineMs: 0, owner });
  if (held === undefined) throw new Error("no lock manager");
  return { rig, held };
}

describe("locks", () => {
  test("are taken once, all, in one order, before the first step, and are given back at the end (A-120, A-130, A-133)", async () => {
    const rig: Rig = new Rig({
      verbs: {
        "test.work": {
          run: async () => {
            for (const id of ["1", "2"])
              expect(await rig.stores.locks?.holder(lockKeyOf("default", { kind: "account", id }))).toBeDefined();
            await rig.env.sleep(250);
            return null;
          },
        },
      },
    });
    const reads = [{ kind: "account", id: "1", access: "read", source: "declared" }] as const;
    const runbook = buildRunbook({
      steps: [
        { id: "a", effect: "write", writes: [written("account", "2")] },
        { id: "b", effect: "read", reads },
        { id: "c", ...account("1") },
      ],
    });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    const story = await rig.story(runId);
    expect(story.indexOf("lock.acquired")).toBe(story.indexOf("step.entered a 1") - 1);
    expect(story.slice(-2)).toEqual(["lock.released", "run.completed"]);
    const events = await rig.events(runId);
    const names = lockRequestsOf("default", [
      { kind: "account", id: "1", access: "write" },
      { kind: "account", id: "2", access: "write" },
    ]).map((lock) => `write account:${lock.id}`);
    expect(events.find((event) => event.kind === "lock.acquired")?.payload).toEqual({ locks: names, waitedMs: 0 });
    expect(events.find((event) => event.kind === "lock.released")?.payload).toEqual({ locks: 2, heldMs: 750 });
    expect(await rig.stores.locks?.holder(lockKeyOf("default", { kind: "account", id: "1" }))).toBeUndefined();
  });

  test("that can't be had in time fail the run, void, with the holder, and give its approvals back in the same append (decision 3.4)", async () => {
    const { rig } = await withHolder(["1"]);
    const runbook = buildRunbook({ steps: [{ id: "a", ...account("1") }] });
    const stream = runbookStream(runbook.id);
    const payload = {
      ...{
        nonce: "n1",
        runbookId: runbook.id,
        documentDigest: "0".repeat(64),
        decision: "approve",
        issuer: "idp",
        subject: "ada",
      },
      ...{ roles: [], vouchedBy: "host", givenAt: 0, expiresAt: null, signature: null },
    };
    const given = chainEvent(emptyHead("default", stream), { kind: "approval.given", payload }, 0);
    await rig.stores.events.commit([{ scope: "default", stream, expectedSeq: 0, fence: null, events: [given], artifacts: [] }]);
    const runId = await rig.submit(runbook);
    const approvals = { spend: [{ nonce: "n1", token: "t1" }], head: given };
    const claim = { scope: "default", runId, runbook, reason: "requested", build: {}, approvals } as const;
    const claimed = await claimRun(rig.parts, claim);
    if (claimed.kind !== "claimed") throw claimed.error;
    const { result, view } = rested(await rig.env.until(driveRun(rig.parts, claimed.run)));
    expect(result).toMatchObject({ status: "failed", code: "lock.contention", stepId: null });
    expect(view.isVoid).toBe(true);
    expect(rig.env.stepsSeen).toBe(0);
    const events = await rig.events(runId);
    expect(events.find((event) => event.kind === "lock.contended")?.payload).toEqual({
      kind: "account",
      id: "1",
      holder: "other-run",
      source: "memory",
      waitedMs: 30_000,
    });
    const kinds: string[] = [];
    for await (const event of rig.stores.reader.read("default", stream)) kinds.push(event.kind);
    expect(kinds).toEqual(["approval.given", "approval.consumed", "approval.released"]);
    expect(await rig.submit(runbook)).not.toBe(runId);
  });

  test("that come free in time let the run go on", async () => {
    const { rig, held } = await withHolder(["1"]);
    const runbook = buildRunbook({ steps: [{ id: "a", ...account("1") }] });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await rig.env.advance(12_000);
    await held.release();
    expect(rested(await rig.env.until(end)).result.status).toBe("completed");
    expect((await rig.events(runId)).find((event) => event.kind === "lock.acquired")?.payload).toMatchObject({
      waitedMs: 12_000,
    });
  });

  test("are not waited for by a run that is canceled or paused meanwhile", async () => {
    for (const kind of ["cancel", "pause"] as const) {
      const { rig } = await withHolder(["1"]);
      const runbook = buildRunbook({ steps: [{ id: "a", ...account("1") }] });
      const runId = await rig.submit(runbook);
      const { end } = await rig.begin(runbook, runId);
      const message =
        kind === "cancel"
          ? cancelMessage("default", runId, { reason: "enough", by: null })
          : pauseMessage("default", runId, { by: null, nonce: "1" });
      await rig.put(message);
      const before = rig.env.now();
      const { result, view } = rested(await rig.env.until(end));
      expect(result).toMatchObject({ reason: kind === "cancel" ? "enough" : "paused" });
      expect(rig.env.now()).toBe(before);
      expect(view.isVoid).toBe(kind === "cancel");
    }
  });

  test("are needed by a run that writes: without a lock manager it fails, void, unless a test says otherwise (lock.required, X.5-14)", async () => {
    const bare = (options: EngineParts["options"]): Rig => {
      const rig = new Rig();
      const { locks: _, ...stores } = rig.stores;
      return new Rig({ stores, env: rig.env, verbs: { "test.work": work }, ...(options !== undefined && { options }) });
    };
    const runbook = buildRunbook({ steps: [{ id: "a", ...account("1") }] });
    const refused = rested(await bare(undefined).execute(runbook));
    expect(refused.result).toMatchObject({ status: "failed", code: "lock.required" });
    expect(refused.view.isVoid).toBe(true);
    expect(rested(await bare({ isUnlocked: true }).execute(runbook)).result.status).toBe("completed");
    const reads = [{ kind: "account", id: "1", access: "read", source: "declared" }] as const;
    const reading = buildRunbook({ steps: [{ id: "a", effect: "read", reads }] });
    expect(rested(await bare(undefined).execute(reading)).result.status).toBe("completed");
  });

  test("are at most 1,000 a run (lock.too_many, decision 3.20)", async () => {
    const rig = new Rig({ verbs: { "test.work": work } });
    const writes = Array.from({ length: 1_001 }, (_, index) => written("account", String(index)));
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write", writes }] });
    expect(rested(await rig.execute(runbook)).result).toMatchObject({ status: "failed", code: "lock.too_many" });
    const fits = buildRunbook({ steps: [{ id: "a", effect: "write", writes: writes.slice(1) }] });
    expect(rested(await rig.execute(fits)).result.status).toBe("completed");
  });

  test("are ten times as many where the store takes them in stripes (decision 3.20)", async () => {
    const asked: number[] = [];
    const acquire: LockManager["acquire"] = async (requests) => {
      asked.push(requests.length);
      return { requests, waitedMs: 0, lost: new AbortController().signal, release: async () => undefined };
    };
    const rig = new Rig();
    const striping: LockManager = { stripedAbove: 1_000, acquire, holder: async () => undefined };
    const stores = { ...rig.stores, locks: striping };
    const other = new Rig({ stores, env: rig.env, verbs: { "test.work": work } });
    const writes = Array.from({ length: 10_001 }, (_, index) => written("account", String(index)));
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write", writes }] });
    const refused = rested(await other.execute(runbook)).result;
    expect(refused).toMatchObject({ status: "failed", code: "lock.too_many" });
    const fits = buildRunbook({ steps: [{ id: "a", effect: "write", writes: writes.slice(1) }] });
    expect(rested(await other.execute(fits)).result.status).toBe("completed");
    expect(asked).toEqual([10_000]);
  });

  test("that are lost stop dispatch: what is in flight is fenced and the run ends (lock.lost, X17)", async () => {
    const lost = new AbortController();
    const rig = new Rig();
    const manager: LockManager = {
      acquire: async (requests) => ({ requests, waitedMs: 0, lost: lost.signal, release: async () => undefined }),
      holder: async () => undefined,
    };
    const breaking = new Rig({
      stores: { ...rig.stores, locks: manager },
      env: rig.env,
      verbs: { "test.work": { run: forever } },
    });
    const runbook = buildRunbook({ steps: [{ id: "a", ...account("1") }, { id: "b" }] });
    const runId = await breaking.submit(runbook);
    const { end } = await breaking.begin(runbook, runId);
    lost.abort();
    const { result } = rested(await rig.env.until(end));
    expect(result).toMatchObject({ status: "failed", code: "lock.lost", stepId: null });
    expect((await rig.story(runId)).slice(-5)).toEqual([
      "lock.lost the lock manager no longer vouches for them",
      "step.fenced a 1 lock_lost",
      "step.skipped b stopped",
      "lock.released",
      "run.failed lock.lost",
    ]);
  });

  test("of a resumed run cover what is left only (A-103)", async () => {
    const rig = new Rig({ verbs: { "test.work": work, "test.gate": {} } });
    const runbook = buildRunbook({
      steps: [
        { id: "a", ...account("1") },
        { id: "ok", verb: "test.gate", mode: "human_gate", dependsOn: ["a"] },
        { id: "b", ...account("2"), dependsOn: ["ok"] },
      ],
    });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    expect(await rig.stores.locks?.holder(lockKeyOf("default", { kind: "account", id: "2" }))).toBeUndefined();
    const { held } = await withHolder(["1"], rig);
    const { decisionMessage } = await import("../../src/engine/inbox-message.js");
    const yes = { verdict: "approve", issuer: "i", subject: "s", vouchedBy: "host" } as const;
    await rig.put(decisionMessage("default", runId, "ok", yes));
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result.status).toBe("completed");
    const locks = (await rig.events(runId)).flatMap((event) => (event.kind === "lock.acquired" ? [event.payload.locks] : []));
    expect(locks.map((names) => [...names].sort())).toEqual([["write account:1", "write account:2"], ["write account:2"]]);
    await held.release();
  });
});

describe("late writes (decision 2.9)", () => {
  const args = {
    type: "object",
    fields: {
      account: { type: "string", subject: { kind: "account", access: "write" } },
      others: { type: "array", item: { type: "string", subject: { kind: "account", access: "write" } } },
      branch: { type: "optional", of: { type: "string", subject: { kind: "branch", access: "write" } } },
    },
    required: ["account"],
    unknown: "refuse",
  } as const;
  const find = { run: async () => ({ id: "7", more: ["8", "1"] }) };
  const late = {
    effect: "write",
    writes: [written("account", "1")],
    lateWrites: [{ kind: "account", pointer: "/account" }],
    args: { account: resultOf("find", "id"), others: resultOf("find", "more") },
    dependsOn: ["find"],
  } as const;
  const steps = [
    { id: "find", verb: "test.find" },
    { id: "a", ...late },
  ];

  test("are locked just before their handler, and may be declared by it", async () => {
    const rig: Rig = new Rig({
      verbs: {
        "test.find": find,
        "test.work": {
          args,
          run: async (_, ctx) => {
            for (const id of ["1", "7", "8"]) {
              expect(await rig.stores.locks?.holder(lockKeyOf("default", { kind: "account", id }))).toMatchObject({
                runId: ctx.runId,
              });
              ctx.writes("account", id);
            }
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({ steps });
    const runId = await rig.submit(runbook);
    expect(rested(await rig.drive(runbook, runId)).result.status).toBe("completed");
    const locks = (await rig.events(runId)).flatMap((event) =>
      event.kind === "lock.acquired" ? [[...event.payload.locks].sort()] : [],
    );
    expect(locks).toEqual([["write account:1"], ["write account:7", "write account:8"]]);
    expect(await rig.stores.locks?.holder(lockKeyOf("default", { kind: "account", id: "7" }))).toBeUndefined();
  });

  test("that are held by somebody else fail the attempt, which is tried again; at last the run fails with the holder", async () => {
    let calls = 0;
    const run = async (): Promise<null> => {
      calls += 1;
      return null;
    };
    const verbs = { "test.find": find, "test.work": { args, run } };
    const { rig } = await withHolder(["7"], new Rig({ verbs, options: { lockDeadlineMs: 100 } }));
    const runbook = buildRunbook({ steps });
    const runId = await rig.submit(runbook);
    const { result, view } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "failed", code: "lock.contention", stepId: "a" });
    expect(view.steps[1]).toMatchObject({ attempt: 3 });
    expect(calls).toBe(0);
    expect((await rig.story(runId)).filter((line) => line === "lock.contended")).toHaveLength(3);
  });

  test("that come free are had by the next attempt", async () => {
    const verbs = { "test.find": find, "test.work": { args, run: async () => "done" } };
    const { rig, held } = await withHolder(["7"], new Rig({ verbs, options: { lockDeadlineMs: 100 } }));
    const runbook = buildRunbook({ steps, output: resultOf("a") });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await rig.env.advance(150);
    await held.release();
    const { result } = rested(await rig.env.until(end));
    expect(result).toMatchObject({ status: "completed", output: "done" });
  });

  test("of a kind that was not sealed refuse the step before its handler (write.undeclared)", async () => {
    let calls = 0;
    const run = async (): Promise<null> => {
      calls += 1;
      return null;
    };
    const rig = new Rig({ verbs: { "test.find": find, "test.work": { args, run } } });
    const undeclared = { ...late, args: { account: "1", branch: resultOf("find", "id") } };
    const runbook = buildRunbook({
      steps: [
        { id: "find", verb: "test.find" },
        { id: "a", ...undeclared },
      ],
    });
    const { result } = rested(await rig.execute(runbook));
    expect(result).toMatchObject({ status: "failed", code: "write.undeclared", stepId: "a" });
    expect(calls).toBe(0);
  });

  test("are given up when the run is canceled while it waits for them", async () => {
    const verbs = { "test.find": find, "test.work": { args, run: async () => null } };
    const { rig } = await withHolder(["7"], new Rig({ verbs }));
    const runbook = buildRunbook({ steps });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await rig.put(cancelMessage("default", runId, { reason: "enough", by: null }));
    expect(rested(await rig.env.until(end)).result.status).toBe("canceled");
    expect((await rig.story(runId)).slice(-3)).toEqual(["step.fenced a 1 canceled", "lock.released", "run.canceled enough"]);
  });
});

describe("lock keys", () => {
  test("are 16 hex digits that depend on scope, kind and id; of a UUID, not on kind and case (decision 3.5)", () => {
    const key = lockKeyOf("default", { kind: "account", id: "1" });
    expect(key).toMatch(/^[0-9a-f]{16}$/);
    expect(lockKeyOf("other", { kind: "account", id: "1" })).not.toBe(key);
    expect(lockKeyOf("default", { kind: "branch", id: "1" })).not.toBe(key);
    const uuid = "01890A5D-AC96-774B-BCCE-B302099A8057";
    expect(lockKeyOf("default", { kind: "a", id: uuid })).toBe(lockKeyOf("default", { kind: "b", id: uuid.toLowerCase() }));
  });

  test("are asked for once each, writes before reads, in one order (reliability 46)", () => {
    const requests = lockRequestsOf("default", [
      { kind: "account", id: "2", access: "read" },
      { kind: "account", id: "1", access: "read" },
      { kind: "account", id: "2", access: "write" },
      { kind: "account", id: "2", access: "read" },
    ]);
    expect(requests.map(({ id, access }) => `${access} ${id}`).sort()).toEqual(["read 1", "write 2"]);
    expect(requests.map(({ key }) => key)).toEqual(requests.map(({ key }) => key).sort());
  });
});
