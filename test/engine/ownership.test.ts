import { describe, expect, test } from "vitest";
import type { CommitAnswer, StreamWrite } from "../../src/stores/event-store.js";
import { Rig, rested } from "./rig.js";
import { RunsealError } from "../../src/errors/error.js";
import { buildRunbook, written } from "./build-runbook.js";
import { cancelMessage } from "../../src/engine/inbox-message.js";
import { chainEvent, emptyHead } from "../../src/history/chain.js";
import { claimRun, endQueuedRun } from "../../src/engine/claim-run.js";
import { driveRun } from "../../src/engine/drive-run.js";
import { runbookStream } from "../../src/model/ids.js";

const forever = (): Promise<never> => new Promise(() => undefined);
const one = buildRunbook({ steps: [{ id: "a", effect: "write" }] });

function claimOf(rig: Rig, runId: string, runbook = one): ReturnType<typeof claimRun> {
  return claimRun(rig.parts, {
    scope: "default",
    runId,
    runbook,
    reason: "requested",
    build: { gitCommit: "abc" },
    approvals: null,
  });
}

describe("submitting", () => {
  test("makes one run of a runbook of one use, and gives that run again (decision 1.6)", async () => {
    const rig = new Rig();
    const first = await rig.submit(one);
    expect(await rig.submit(one)).toBe(first);
    const head = await rig.stores.reader.head("default", `run/${first}`);
    expect(head?.run).toMatchObject({ status: "queued", useKey: `once:${one.id}`, requires: ["c".repeat(64)], wakeAt: 0 });
    const [submitted] = await rig.events(first);
    expect(submitted?.payload).toMatchObject({ runbookId: one.id, uses: "once", queue: "default", labels: {} });
  });

  test("makes as many runs of a runbook of many uses as there are dedup keys", async () => {
    const rig = new Rig();
    const many = buildRunbook({ steps: [{ id: "a" }], uses: "many" });
    const a = await rig.submit(many, { dedupKey: "a" });
    expect(await rig.submit(many, { dedupKey: "a" })).toBe(a);
    expect(await rig.submit(many, { dedupKey: "b" })).not.toBe(a);
    expect(await rig.submit(many)).not.toBe(await rig.submit(many));
    const other = buildRunbook({ steps: [{ id: "b" }], uses: "many" });
    await expect(rig.submit(other, { dedupKey: "a" })).rejects.toMatchObject({
      code: "run.dedup_conflict",
      details: { dedupKey: "a", runId: a, runbookId: many.id },
    });
  });
});

describe("claiming", () => {
  test("starts a run in one commit with its lease, and names the build (decision 3.4)", async () => {
    const rig = new Rig();
    const runId = await rig.submit(one);
    const answer = await claimOf(rig, runId);
    expect(answer.kind).toBe("claimed");
    const events = await rig.events(runId);
    expect(events.map((event) => [event.kind, event.epoch])).toEqual([
      ["run.submitted", 0],
      ["lease.taken", 1],
      ["run.started", 1],
    ]);
    expect(events[2]?.payload).toEqual({
      runbookId: one.id,
      manifestId: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      approvals: [],
      build: { gitCommit: "abc" },
      owner: rig.stores.owner,
      epoch: 1,
      deadlineAt: null,
    });
  });

  test("is refused while somebody living holds the run, naming the owner (lease.held)", async () => {
    const rig = new Rig();
    const other = new Rig({ sharedWith: rig });
    const runId = await rig.submit(one);
    await claimOf(rig, runId);
    const answer = await claimOf(other, runId);
    expect(answer).toMatchObject({ kind: "refused", error: { code: "lease.held", details: { runId, owner: rig.stores.owner } } });
    await rig.env.advance(10_001);
    expect((await claimOf(other, runId)).kind).toBe("claimed");
  });

  test("is refused for a run that has ended or is not there", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async () => null } } });
    const runId = await rig.submit(one);
    await rig.drive(one, runId);
    expect(await claimOf(rig, runId)).toMatchObject({
      kind: "refused",
      error: { code: "run.terminal", details: { status: "completed" } },
    });
    await expect(claimOf(rig, "nobody")).rejects.toMatchObject({ code: "run.not_found" });
  });

  test("by two processes at once: one wins, the other gets a typed refusal, and only one effect happens (X9, X.5-7)", async () => {
    let effects = 0;
    const work = {
      run: async () => {
        effects += 1;
        return null;
      },
    };
    const rig = new Rig({ verbs: { "test.work": work } });
    const other = new Rig({ sharedWith: rig, verbs: { "test.work": work } });
    const runId = await rig.submit(one);
    const answers = await Promise.all([claimOf(rig, runId), claimOf(other, runId)]);
    expect(answers.map((answer) => answer.kind).sort()).toEqual(["claimed", "refused"]);
    for (const [index, answer] of answers.entries()) {
      const { parts } = index === 0 ? rig : other;
      if (answer.kind === "refused") expect(answer.error.code).toBe("lease.held");
      else expect(rested(await rig.env.until(driveRun(parts, answer.run))).result.status).toBe("completed");
    }
    expect(effects).toBe(1);
  });

  test("spends the approvals it is given, with their events, in the same commit; a second use of a token is refused", async () => {
    const rig = new Rig();
    const many = buildRunbook({ steps: [{ id: "a", effect: "write" }], uses: "many" });
    const stream = runbookStream(many.id);
    const given = chainEvent(emptyHead("default", stream), approval(many.id), 0);
    await rig.stores.events.commit([{ scope: "default", stream, expectedSeq: 0, fence: null, events: [given], artifacts: [] }]);
    const spend = [{ nonce: "n1", token: "t1" }];
    const claim = (runId: string, head: { seq: number; hash: string }): ReturnType<typeof claimRun> =>
      claimRun(rig.parts, { scope: "default", runId, runbook: many, reason: "requested", build: {}, approvals: { spend, head } });
    const first = await rig.submit(many);
    const second = await rig.submit(many);
    expect((await claim(first, given)).kind).toBe("claimed");
    const head = await rig.stores.reader.head("default", stream);
    expect(head?.seq).toBe(2);
    expect((await rig.events(first))[2]?.payload).toMatchObject({ approvals: ["n1"] });
    // judged before the first claim: it must be judged again
    expect(await claim(second, given)).toMatchObject({ kind: "refused", error: { code: "store.conflict" } });
    expect(await claim(second, head ?? given)).toMatchObject({ kind: "refused", error: { code: "admission.approval_consumed" } });
    expect((await rig.story(second)).length).toBe(1);
  });
});

function approval(runbookId: string) {
  const payload = {
    nonce: "n1",
    runbookId,
    documentDigest: "0".repeat(64),
    decision: "approve",
    issuer: "idp",
    subject: "ada",
    roles: [],
    vouchedBy: "host",
    givenAt: 0,
    expiresAt: null,
    signature: null,
  };
  return { kind: "approval.given", payload } as const;
}

describe("a queued run that never starts", () => {
  test("ends void in one commit, spends nothing, and does not count as a use", async () => {
    for (const ending of [
      { kind: "failed", code: "admission.contract_drift", category: "policy", message: "drift", details: { verb: "x" } },
      { kind: "canceled", reason: "enough", by: "ada" },
    ] as const) {
      const rig = new Rig();
      const runId = await rig.submit(one);
      if (ending.kind === "canceled") await rig.put(cancelMessage("default", runId, ending));
      expect(await endQueuedRun(rig.parts, { scope: "default", runId, ending })).toBeUndefined();
      const head = await rig.stores.reader.head("default", `run/${runId}`);
      expect(head).toMatchObject({ owner: null, epoch: 1, run: { status: ending.kind, useKey: null } });
      expect(await rig.stores.inbox.pending("default", runId)).toEqual([]);
      expect(await rig.submit(one)).not.toBe(runId);
      expect(await endQueuedRun(rig.parts, { scope: "default", runId, ending })).toMatchObject({ code: "run.terminal" });
    }
  });

  test("is no way to end one that has started", async () => {
    const rig = new Rig();
    const runId = await rig.submit(one);
    await claimOf(rig, runId);
    const ending = { kind: "canceled", reason: "enough", by: null } as const;
    expect(await endQueuedRun(rig.parts, { scope: "default", runId, ending })).toMatchObject({ code: "store.conflict" });
    await expect(endQueuedRun(rig.parts, { scope: "default", runId: "nobody", ending })).rejects.toMatchObject({
      code: "run.not_found",
    });
  });
});

describe("the lease", () => {
  test("is renewed every third of its term while a handler takes its time", async () => {
    let finish: ((value: unknown) => void) | undefined;
    const rig = new Rig({ verbs: { "test.work": { run: () => new Promise((resolve) => (finish = resolve)) } } });
    const runId = await rig.submit(one);
    const { end } = await rig.begin(one, runId);
    await rig.env.advance(60_000);
    expect(await claimOf(new Rig({ sharedWith: rig }), runId)).toMatchObject({ error: { code: "lease.held" } });
    finish?.(null);
    await rig.env.settle();
    expect(rested(await rig.env.until(end)).result.status).toBe("completed");
  });

  test("that was lost stops everything: signals are aborted, and the zombie writes nothing (reliability 14, 40, X.5-19)", async () => {
    let aborted = false;
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: (_, ctx) =>
            new Promise((resolve) => {
              ctx.signal.addEventListener("abort", () => {
                aborted = true;
                resolve("zombie");
              });
            }),
        },
      },
      ownerAlive: () => false,
    });
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write", writes: [written("account", "1")] }] });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    const other = new Rig({ sharedWith: rig, verbs: { "test.work": { run: async () => "other" } } });
    const run = await other.claim(runbook, runId);
    const before = (await rig.story(runId)).length;
    await rig.env.advance(3_400);
    expect(await end).toMatchObject({ kind: "lost", error: { code: "lease.stale" } });
    expect(aborted).toBe(true);
    expect((await rig.story(runId)).length).toBe(before);
    expect(rested(await rig.env.until(driveRun(other.parts, run))).result.status).toBe("completed");
  });

  test("that was lost unseen is refused by the store at the next append, and no further handler is called", async () => {
    const calls: string[] = [];
    let finish: ((value: unknown) => void) | undefined;
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: (_, ctx) => {
            calls.push(ctx.stepId);
            return new Promise((resolve) => (finish = resolve));
          },
        },
      },
      ownerAlive: () => false,
    });
    const runbook = buildRunbook({
      steps: [
        { id: "a", effect: "write" },
        { id: "b", effect: "write" },
      ],
    });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await new Rig({ sharedWith: rig }).claim(runbook, runId);
    finish?.(null);
    await rig.env.settle();
    expect(await end).toMatchObject({ kind: "lost", error: { code: "lease.stale", details: { epoch: 1, currentEpoch: 2 } } });
    expect(calls).toEqual(["a"]);
  });

  test("survives a store that can't answer for a moment, and not for longer than two thirds of the term", async () => {
    const broken = { until: 0 };
    const rig = new Rig();
    const { leases } = rig.stores;
    const stores = {
      ...rig.stores,
      leases: {
        now: () => leases.now(),
        renew: async (...args: Parameters<typeof leases.renew>) => {
          if (rig.env.now() < broken.until) throw new RunsealError("store.busy", "busy", { waitedMs: 1 });
          return leases.renew(...args);
        },
      },
    };
    const flaky = new Rig({ stores, env: rig.env, verbs: { "test.work": { run: forever } } });
    const runId = await flaky.submit(one);
    broken.until = rig.env.now() + 5_000;
    const { end } = await flaky.begin(one, runId);
    await rig.env.advance(20_000);
    expect((await rig.stores.reader.head("default", `run/${runId}`))?.owner).toBe(rig.stores.owner);
    broken.until = rig.env.now() + 50_000;
    await rig.env.advance(20_000);
    expect(await end).toMatchObject({ kind: "lost", error: { code: "lease.stale" } });
  });
});

describe("a drive", () => {
  test("that is drained finishes what is in flight, starts nothing more, and hands the run over", async () => {
    const calls: string[] = [];
    let finish: ((value: unknown) => void) | undefined;
    const work = {
      run: (_: unknown, ctx: { readonly stepId: string }) => {
        calls.push(ctx.stepId);
        return new Promise((resolve) => (finish = resolve));
      },
    };
    const rig = new Rig({ verbs: { "test.work": work } });
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write", writes: [written("account", "1")] }, { id: "b" }] });
    const runId = await rig.submit(runbook);
    const drain = new AbortController();
    const { end } = await rig.begin(runbook, runId, { drain: drain.signal });
    drain.abort();
    finish?.(null);
    await rig.env.settle();
    expect((await end).kind).toBe("handed_over");
    expect(calls).toEqual(["a"]);
    const head = await rig.stores.reader.head("default", `run/${runId}`);
    expect(head).toMatchObject({ owner: null, run: { status: "running" } });
    const other = new Rig({ sharedWith: rig, verbs: { "test.work": { run: async () => null } } });
    expect(rested(await other.drive(runbook, runId, {}, "recovered")).result.status).toBe("completed");
  });

  test("that is abandoned before it begins does nothing", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: forever } } });
    const runId = await rig.submit(one);
    const end = await rig.drive(one, runId, { abandon: AbortSignal.abort() });
    expect(end).toMatchObject({ kind: "lost", error: { code: "instance.closed" } });
    expect(rig.env.stepsSeen).toBe(0);
  });

  test("rejects when the store can't take the evidence, and stops its handlers (decision 3.19)", async () => {
    const rig = new Rig();
    const { events } = rig.stores;
    let isFull = false;
    const commit = async (writes: readonly StreamWrite[]): Promise<CommitAnswer> => {
      if (isFull) throw new RunsealError("store.full", "full", { call: "events.commit" });
      return events.commit(writes);
    };
    const stores = { ...rig.stores, events: { commit, commitMany: events.commitMany.bind(events) } };
    const work = {
      run: async () => {
        isFull = true;
        return null;
      },
    };
    const failing = new Rig({ stores, env: rig.env, verbs: { "test.work": work } });
    const runId = await failing.submit(one);
    await expect(failing.drive(one, runId)).rejects.toMatchObject({ code: "store.full" });
    expect((await rig.story(runId)).at(-1)).toBe("step.entered a 1");
  });

  test("ends as lost when somebody else wrote the stream", async () => {
    const rig = new Rig();
    const { events } = rig.stores;
    const commit = async (writes: readonly StreamWrite[]): Promise<CommitAnswer> => {
      const [write] = writes;
      const isEntry = write?.events.some((event) => event.kind === "step.entered") === true;
      return isEntry ? { kind: "conflict", stream: write.stream, actualSeq: 9 } : events.commit(writes);
    };
    const stores = { ...rig.stores, events: { commit, commitMany: events.commitMany.bind(events) } };
    const racing = new Rig({ stores, env: rig.env, verbs: { "test.work": { run: forever } } });
    // entered by itself: the claim goes in
    const manual = buildRunbook({ steps: [{ id: "a", effect: "write", recovery: "manual" }] });
    expect(await racing.execute(manual)).toMatchObject({
      kind: "lost",
      error: { code: "store.conflict", details: { actualSeq: 9 } },
    });
    expect(rig.env.stepsSeen).toBe(0);
  });
});
