import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { InboxEntry } from "../../src/stores/inbox.js";
import type { SchemaDescription } from "../../src/model/schema-description.js";
import { Deadlines } from "../../src/engine/deadlines.js";
import { LazySignal } from "../../src/engine/lazy-signal.js";
import { ManualEnv } from "./manual-env.js";
import { Rig } from "./rig.js";
import { StopSwitch } from "../../src/engine/stop-switch.js";
import { beginState } from "../../src/history/run-state.js";
import { buildRunbook } from "./build-runbook.js";
import {
  cancelMessage,
  decisionMessage,
  pauseMessage,
  readMessage,
  resumeMessage,
  signalMessage,
} from "../../src/engine/inbox-message.js";
import { canonicalize } from "../../src/json/canonical.js";
import { deepFreeze } from "../../src/engine/deep-freeze.js";
import { idempotencyKeyOf, signalKeyOf } from "../../src/engine/step-keys.js";
import { loadRun } from "../../src/engine/load-run.js";
import { pictureOf } from "../../src/engine/raw-value.js";
import { retryDelayMs } from "../../src/engine/retry.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { wellFormed } from "../../src/engine/well-formed.js";
import { writtenEntities } from "../../src/engine/late-subjects.js";

describe("keys of a step", () => {
  test("are the same for ever, and different for every scope, run and step (decision 4.6a)", () => {
    // the preimages are public: docs/keys.md
    expect(idempotencyKeyOf("default", "r-1", "a")).toBe("ce1e40605389d6ff05b46e6831cee79090e0099d728d88d22fca69aeddd2c609");
    expect(signalKeyOf("r-1", "a")).toBe("b9d947de979a6a4468b4f2ef9bdc6b45");
    const keys = [
      idempotencyKeyOf("default", "r-1", "a"),
      idempotencyKeyOf("other", "r-1", "a"),
      idempotencyKeyOf("default", "r-2", "a"),
      idempotencyKeyOf("default", "r-1", "b"),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(signalKeyOf("r-1", "a")).not.toBe(signalKeyOf("r-1", "b"));
  });
});

describe("the delay before a retry (D-023, decision 3.13)", () => {
  const policy = { attemptsMax: 9, baseMs: 200, maxMs: 30_000 };

  test("is anything up to a bound that doubles with every failure and stops at the policy's own (decision 3.13)", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const delay = retryDelayMs(policy, failures, random);
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(Math.min(30_000, 200 * 2 ** (failures - 1)));
        },
      ),
    );
    expect(retryDelayMs(policy, 1, 0.999_999)).toBe(200);
    expect(retryDelayMs(policy, 3, 0.999_999)).toBe(800);
    expect(retryDelayMs(policy, 30, 0.999_999_9)).toBe(30_000);
    expect(retryDelayMs(policy, 5, 0)).toBe(0);
  });
});

describe("entities that arguments write", () => {
  const account = { type: "string", subject: { kind: "account", access: "write" } } as const;
  const seen = { type: "string", subject: { kind: "account", access: "read" } } as const;

  test.each<[string, SchemaDescription, Parameters<typeof writtenEntities>[1], readonly string[]]>([
    ["a subject", account, "1", ["1"]],
    ["a subject that is only read", seen, "1", []],
    ["something that is no text", account, 1, []],
    ["an optional subject that is there", { type: "optional", of: account }, "1", ["1"]],
    ["a subject with a default", { type: "default", of: account, value: "2" }, "1", ["1"]],
    ["null", { type: "optional", of: account }, null, []],
    ["a list, each once", { type: "array", item: account }, ["1", "2", "1"], ["1", "2"]],
    ["a list where a list is not", { type: "array", item: account }, "1", []],
    ["a tuple with a rest", { type: "tuple", items: [seen, account], rest: account }, ["1", "2", "3"], ["2", "3"]],
    ["a tuple without one", { type: "tuple", items: [account] }, ["1", "2"], ["1"]],
    ["a tuple that is none", { type: "tuple", items: [account] }, {}, []],
    ["names and values of a record", { type: "record", key: account, value: account }, { a: "b" }, ["a", "b"]],
    [
      "members of an object",
      { type: "object", fields: { a: account }, required: [], unknown: "keep" },
      { a: "1", b: "2" },
      ["1"],
    ],
    ["an object that is a list", { type: "object", fields: { a: account }, required: [], unknown: "keep" }, ["1"], []],
    ["every variant of a union", { type: "union", of: [account, { type: "array", item: account }] }, ["1"], ["1"]],
    ["a plain value", { type: "integer" }, 1, []],
    [
      "a tree",
      {
        type: "object",
        fields: { id: account, children: { type: "array", item: { type: "recursive", depth: 0 } } },
        required: ["id"],
        unknown: "refuse",
      },
      { id: "1", children: [{ id: "2", children: [{ id: "3", children: [] }] }] },
      ["1", "2", "3"],
    ],
    ["a recursion that leads nowhere", { type: "recursive", depth: 3 }, "1", []],
  ])("%s", (_, description, args, expected) => {
    expect(writtenEntities(description, args).map(({ id }) => id)).toEqual(expected);
  });
});

describe("the picture of a value that can't be stored", () => {
  test("can always be stored, is bounded, and runs none of the value's code", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withObjectString: true,
          withSparseArray: true,
        }),
        (value) => {
          expect(() => canonicalize(pictureOf(value))).not.toThrow();
        },
      ),
    );
  });

  test("names what is no JSON", () => {
    const value = {
      number: 0.5,
      big: 3n,
      date: new Date(7),
      nothing: undefined,
      call: () => 1,
      text: "\ud800",
      list: [1, null, true],
      get accessor(): string {
        throw new Error("must not run");
      },
    };
    expect(pictureOf(value)).toEqual({
      number: "[number 0.5]",
      big: "[bigint 3]",
      date: "[date 7]",
      nothing: "[undefined]",
      call: "[function]",
      text: "\ufffd",
      list: [1, null, true],
      accessor: "[accessor]",
    });
  });

  test("leaves out what is too deep or too much, and survives a Proxy whose traps throw", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 1_000; level += 1) deep = [deep];
    expect(JSON.stringify(pictureOf(deep))).toContain("[left out]");
    const wide = Array.from({ length: 20_000 }, (_, index) => index);
    expect((pictureOf(wide) as readonly unknown[]).length).toBeLessThan(10_002);
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new TypeError("trap");
        },
      },
    );
    expect(pictureOf(trap)).toBe("[unreadable object]");
  });

  test("keeps pairs of surrogates and replaces halves", () => {
    expect(wellFormed("a😀b\udc00c\ud83d")).toBe("a😀b\ufffdc\ufffd");
  });
});

describe("deepFreeze", () => {
  test("freezes plain objects and lists through and through, and leaves other classes alone", () => {
    const map = new Map();
    const value = { a: [{ b: 1 }], map, none: null };
    expect(deepFreeze(value)).toBe(value);
    expect([Object.isFrozen(value), Object.isFrozen(value.a), Object.isFrozen(value.a[0]), Object.isFrozen(map)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(deepFreeze(7)).toBe(7);
    expect(deepFreeze<unknown>(undefined)).toBeUndefined();
  });
});

describe("messages to a run", () => {
  const decision = { verdict: "approve", issuer: "i", subject: "s", vouchedBy: "host", payload: { a: 1 }, note: "n" } as const;

  test("come back as they were given", () => {
    expect(readMessage(signalMessage("default", "r", "k", [1]))).toEqual({ kind: "signal", key: "k", payload: [1] });
    expect(readMessage(decisionMessage("default", "r", "a", decision))).toEqual({ kind: "decision", stepId: "a", decision });
    expect(readMessage(cancelMessage("default", "r", { reason: "x", by: "ada" }))).toEqual({
      kind: "cancel",
      reason: "x",
      by: "ada",
    });
    expect(readMessage(pauseMessage("default", "r", { by: null, nonce: "1" }))).toEqual({ kind: "pause", by: null });
    expect(readMessage(resumeMessage("default", "r", { by: "ada", nonce: "1" }))).toEqual({ kind: "resume", by: "ada" });
  });

  test("are redacted before they are stored, and refused where no event could hold them (value.too_large)", () => {
    expect(signalMessage("default", "r", "k", { password: "hunter2hunter2" }).payload).toEqual({ password: "[REDACTED]" });
    const long = "x".repeat(1_044_480);
    expect(() => signalMessage("default", "r", "k", long)).toThrow(expect.objectContaining({ code: "value.too_large" }));
    expect(() => decisionMessage("default", "r", "a", { ...decision, payload: long })).toThrow(
      expect.objectContaining({ code: "value.too_large" }),
    );
    expect(signalMessage("default", "r", "k", long.slice(2)).payload).toHaveLength(1_044_478);
  });

  test("have keys that keep kinds apart, whatever a caller calls a signal", () => {
    const keys = [
      signalMessage("default", "r", "cancel", 1).key,
      cancelMessage("default", "r", { reason: "", by: null }).key,
      decisionMessage("default", "r", "cancel", decision).key,
      pauseMessage("default", "r", { by: null, nonce: "cancel" }).key,
    ];
    expect(new Set(keys).size).toBe(4);
  });

  test("of another shape ask for nothing", () => {
    const entry = (kind: InboxEntry["kind"], payload: InboxEntry["payload"], key = "k"): InboxEntry => ({
      scope: "default",
      runId: "r",
      key,
      kind,
      payload,
    });
    const good = { stepId: "a", verdict: "approve", issuer: "i", subject: "s", vouchedBy: "host" };
    const bad: readonly InboxEntry[] = [
      entry("signal", 1),
      entry("cancel", "now"),
      entry("pause", [1]),
      entry("decision", null),
      entry("decision", { ...good, stepId: 1 }),
      entry("decision", { ...good, verdict: "maybe" }),
      entry("decision", { ...good, issuer: 1 }),
      entry("decision", { ...good, subject: null }),
      entry("decision", { ...good, vouchedBy: "nobody" }),
    ];
    expect(bad.map(readMessage)).toEqual(bad.map(() => undefined));
    expect(readMessage(entry("cancel", {}))).toEqual({ kind: "cancel", reason: "", by: null });
  });

  test("that ask for nothing are taken out of the inbox and change nothing", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async () => null } } });
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const runId = await rig.submit(runbook);
    await rig.put({ scope: "default", runId, key: "odd", kind: "decision", payload: 1 });
    await rig.drive(runbook, runId);
    expect(await rig.stores.inbox.pending("default", runId)).toEqual([]);
  });
});

describe("limits over one timer", () => {
  test("expire each at its time, in whatever order they were set, and not once they were lifted", async () => {
    const env = new ManualEnv();
    const deadlines = new Deadlines(env);
    const expired: string[] = [];
    deadlines.set(300, () => expired.push("late"));
    deadlines.set(100, () => expired.push("early"));
    const lift = deadlines.set(200, () => expired.push("lifted"));
    lift();
    await env.advance(150);
    expect(expired).toEqual(["early"]);
    await env.advance(200);
    expect(expired).toEqual(["early", "late"]);
    deadlines.set(10, () => expired.push("cleared"));
    deadlines.clear();
    await env.advance(100);
    expect(expired).toEqual(["early", "late"]);
    deadlines.set(10, () => expired.push("again"));
    await env.advance(10);
    expect(expired).toEqual(["early", "late", "again"]);
  });
});

describe("the stop switch", () => {
  test("calls everybody who has joined once, late joiners at once, and nobody who has left", async () => {
    const stop = new StopSwitch();
    const called: string[] = [];
    stop.join(() => called.push("a"));
    stop.join(() => called.push("b"))();
    expect(stop.isStopped).toBe(false);
    const during = stop.during(
      (signal) => new Promise<boolean>((resolve) => signal.addEventListener("abort", () => resolve(signal.aborted))),
    );
    stop.stop();
    stop.stop();
    stop.join(() => called.push("late"));
    expect(called).toEqual(["a", "late"]);
    expect(stop.isStopped).toBe(true);
    expect(await during).toBe(true);
  });

  test("aborts a lazy signal whether or not it was made before", () => {
    const made = new LazySignal();
    const { signal } = made;
    made.abort();
    expect(signal.aborted).toBe(true);
    const unmade = new LazySignal();
    unmade.abort();
    expect(unmade.signal.aborted).toBe(true);
    expect(unmade.signal).toBe(unmade.signal);
  });
});

describe("loading a run", () => {
  test("folds its log, and says when there is none (run.not_found)", async () => {
    const rig = new Rig();
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const runId = await rig.submit(runbook, { labels: { team: "ops" } });
    const plan = runPlanOf(runbook);
    const state = await loadRun(rig.parts, "default", runId, plan);
    expect(state).toMatchObject({ seq: 1, status: "queued", labels: { team: "ops" } });
    expect(state.hash).not.toBe(beginState(plan, "default", runId).hash);
    await expect(loadRun(rig.parts, "other", runId, plan)).rejects.toMatchObject({
      code: "run.not_found",
      details: { scope: "other" },
    });
  });
});
