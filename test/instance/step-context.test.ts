import { describe, expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, memoryStores } from "../../src/index.js";
import type { AnyEvent } from "../../src/model/event.js";
import type { Runseal, RunView, StepContext, Stores, TransportFactory } from "../../src/index.js";

type Work = (name: string, ctx: StepContext) => Promise<number> | number;

const act = defineVerb({
  name: "job.act",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  retry: { attemptsMax: 3, baseMs: 0, maxMs: 0 },
  args: z.object({ name: z.string(), after: z.array(z.int()) }),
  result: z.int(),
});
const think = defineVerb({
  name: "job.think",
  version: 1,
  effect: "pure",
  args: z.object({ name: z.string(), after: z.array(z.int()) }),
  result: z.int(),
});

/** `chain`: one after the other; `fork`: b and c both after a, d after both. */
const chain = defineMacro({
  name: "job.chain",
  version: 1,
  params: z.object({ names: z.array(z.string()) }),
  body: ({ step }) => {
    const a = step("a", act, { name: "a", after: [] });
    const b = step("b", act, { name: "b", after: [a.result] });
    return { end: step("c", act, { name: "c", after: [b.result] }).result };
  },
});
const fork = defineMacro({
  name: "job.fork",
  version: 1,
  params: z.object({}),
  body: ({ step }) => {
    const a = step("a", act, { name: "a", after: [] });
    const b = step("b", act, { name: "b", after: [a.result] });
    const c = step("c", act, { name: "c", after: [a.result] });
    return { end: step("d", act, { name: "d", after: [b.result, c.result] }).result };
  },
});
const apart = defineMacro({
  name: "job.apart",
  version: 1,
  params: z.object({}),
  body: ({ step }) => {
    step("a", act, { name: "a", after: [] });
    step("b", act, { name: "b", after: [] });
    return {};
  },
});

const catalog = createCatalog({ verbs: [act, think], macros: [chain, fork, apart] });

interface Setting {
  readonly stores?: Stores;
  readonly transports?: { readonly [group: string]: TransportFactory };
  readonly eventProfile?: "minimal";
}

function instance(work: Work, setting: Setting = {}): Runseal<typeof catalog> {
  const { stores = memoryStores(), transports = {}, eventProfile } = setting;
  const handle = async ({ name }: { readonly name: string }, ctx: StepContext): Promise<number> => work(name, ctx);
  return createRunseal({
    catalog,
    handlers: { "job.act": handle, "job.think": handle },
    stores,
    policy: allowAll(),
    io: { transports },
    ...(eventProfile !== undefined && { eventProfile }),
  });
}

async function drive(
  runseal: Runseal<typeof catalog>,
  name: string,
  args: object = {},
): Promise<{ view: RunView; events: AnyEvent[] }> {
  const outcome = await runseal.compile({ name, args }, { intent: "t" });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  const handle = await runseal.execute(outcome.runbook.id);
  await handle.result();
  const events: AnyEvent[] = [];
  for await (const event of runseal.history(handle.runId)) events.push(event);
  expect(await runseal.verify(handle.runId)).toMatchObject({ integrity: "ok", problems: [] });
  return { view: await runseal.status(handle.runId), events };
}

function untilAborted(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      resolve(1);
    });
  });
}

const one = { name: "one", after: [] };
const payloads = (events: readonly AnyEvent[], kind: string): readonly unknown[] =>
  events.filter((event) => event.kind === kind).map((event) => event.payload);

describe("facts", () => {
  test("are recorded before the handler sees them, once, whoever asks (D-081, D-084)", async () => {
    let asked = 0;
    const seen: unknown[] = [];
    const runseal = instance(async (_name, ctx) => {
      seen.push(await ctx.fact("rate/EUR", () => ({ rate: (asked += 1) })));
      return 1;
    });
    const { events } = await drive(runseal, "job.chain", { names: [] });
    expect(asked).toBe(1);
    expect(seen).toEqual([{ rate: 1 }, { rate: 1 }, { rate: 1 }]);
    expect(payloads(events, "fact.recorded")).toEqual([
      { key: "rate/EUR", payload: { rate: 1 }, meta: { source: "handler", stepId: "a" } },
    ]);
  });

  test("outlive the attempt that recorded them: a retry is served from the record", async () => {
    let asked = 0;
    const runseal = instance(async (_name, ctx) => {
      const value = await ctx.fact("quota", () => (asked += 1));
      if (ctx.attempt < 3) throw Object.assign(new Error("again"), { retryable: true });
      return value;
    });
    const { view } = await drive(runseal, "job.act", one);
    expect({ asked, result: view.steps[0]?.result, attempt: view.steps[0]?.attempt }).toEqual({
      asked: 1,
      result: 1,
      attempt: 3,
    });
  });

  test("of time, chance and ids are derived from step, attempt and ordinal (D-082)", async () => {
    const runseal = instance(async (_name, ctx) => {
      const at = await ctx.now();
      expect(at).toBeGreaterThan(1_500_000_000_000);
      expect(await ctx.random(16)).toHaveLength(16);
      expect(await ctx.uuid()).toMatch(/^[0-9a-f-]{36}$/);
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(payloads(events, "fact.recorded").map((payload) => (payload as { key: string }).key)).toEqual([
      "$now/main/1/0",
      "$random/main/1/1",
      "$uuid/main/1/2",
    ]);
  });

  test("that two handlers ask for at the same time are asked for once; when the first fails, the other asks", async () => {
    let asked = 0;
    const runseal = instance(async (_name, ctx) => {
      const ask = async (): Promise<number> => {
        asked += 1;
        await Promise.resolve();
        if (asked === 1) throw new TypeError("no line");
        return asked;
      };
      const answers = await Promise.allSettled([ctx.fact("k", ask), ctx.fact("k", ask), ctx.fact("k", ask)]);
      expect(answers.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(asked).toBe(2);
    expect(payloads(events, "fact.recorded")).toHaveLength(1);
  });

  test("that are large stand in an artifact, and are served from it", async () => {
    const text = "x".repeat(50_000);
    let served: unknown;
    const runseal = instance(async (_name, ctx) => {
      await ctx.fact("page", () => text);
      served = await ctx.fact("page", () => "never");
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(served).toBe(text);
    expect(payloads(events, "artifact.written")).toMatchObject([{ kind: "fact_payload" }]);
  });

  test.each([
    ["", "io.invalid_fact_key"],
    ["$now/x", "io.invalid_fact_key"],
    ["a\u0000b", "io.invalid_fact_key"],
    ["k".repeat(513), "io.invalid_fact_key"],
    [`ghp_${"a1B2".repeat(9)}`, "secret.detected"],
  ])("under the key %j are refused as %s (X.5-27)", async (key, code) => {
    const runseal = instance(async (_name, ctx) => {
      await expect(ctx.fact(key, () => 1)).rejects.toMatchObject({ code });
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(payloads(events, "fact.recorded")).toEqual([]);
  });

  test("that are no plain values are refused with a pointer, and bind nothing (reliability row 76)", async () => {
    const runseal = instance(async (_name, ctx) => {
      await expect(ctx.fact("k", () => ({ at: new Date() }))).rejects.toMatchObject({
        code: "value.not_canonical",
        details: { pointer: "/at" },
      });
      return ctx.fact("k", () => 7);
    });
    expect((await drive(runseal, "job.act", one)).view.steps[0]?.result).toBe(7);
  });

  test("that come back after the attempt timed out are not recorded (reliability rows 71, 73)", async () => {
    const slow = defineVerb({
      name: "slow.read",
      version: 1,
      effect: "read",
      retry: { attemptsMax: 1 },
      timeout: 20,
      args: z.object({}),
      result: z.int(),
    });
    const settled: unknown[] = [];
    const runseal = createRunseal({
      catalog: createCatalog({ verbs: [slow] }),
      handlers: {
        "slow.read": async (_args, ctx) => {
          const late = ctx.fact("late", () => untilAborted(ctx.signal));
          settled.push(await late.catch((error: unknown) => error));
          return 1;
        },
      },
      stores: memoryStores(),
      policy: allowAll(),
    });
    const outcome = await runseal.compile({ name: "slow.read", args: {} }, { intent: "t" });
    const handle = await runseal.execute(outcome.kind === "compiled" ? outcome.runbook.id : "");
    expect(await handle.result()).toMatchObject({ status: "failed", code: "step.timeout" });
    const kinds: string[] = [];
    for await (const event of runseal.history(handle.runId)) kinds.push(event.kind);
    expect(kinds).not.toContain("fact.recorded");
    expect(settled).toMatchObject([{ code: "context.closed" }]);
  });
});

describe("ctx.io", () => {
  test("asks the transport with the longest group and records answers that have a key (D-080, D-081, D-085)", async () => {
    const requests: unknown[] = [];
    const transports = {
      bank: () => ({ call: async (request: unknown) => ({ from: "bank", request: requests.push(request) }) }),
      "bank.eu": () => ({ call: async () => ({ from: "eu" }) }),
    };
    const answers: unknown[] = [];
    const runseal = instance(
      async (_name, { io }) => {
        answers.push(await io.call({ namespace: "bank.us", request: { q: 1 } }));
        answers.push(await io.call({ namespace: "bank.eu.berlin", request: {}, factKey: "berlin" }));
        answers.push(await io.call({ namespace: "bank.us", request: {}, factKey: "berlin" }));
        await expect(io.call({ namespace: "ledger", request: {} })).rejects.toMatchObject({ code: "io.unknown_namespace" });
        return 1;
      },
      { transports },
    );
    const { events } = await drive(runseal, "job.act", one);
    expect(answers).toEqual([
      { response: { from: "bank", request: 1 } },
      { response: { from: "eu" }, recordedPayloadId: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      { response: { from: "eu" }, recordedPayloadId: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    ]);
    expect(payloads(events, "fact.recorded")).toHaveLength(1);
  });
});

describe("the context", () => {
  test("carries what completed ancestors set, merged in plan order (D-050, decision 3.16)", async () => {
    const dumps: unknown[] = [];
    const runseal = instance((name, ctx) => {
      dumps.push(ctx.dump());
      ctx.set(`from.${name}`, name);
      ctx.set("last", name);
      return 1;
    });
    const { view, events } = await drive(runseal, "job.chain", { names: [] });
    expect(dumps).toEqual([{}, { "from.a": "a", last: "a" }, { "from.a": "a", "from.b": "b", last: "b" }]);
    expect(view.status).toBe("completed");
    const deltas = payloads(events, "step.completed").map((payload) => (payload as { delta: unknown }).delta);
    expect(deltas[1]).toMatchObject({ set: { "from.b": "b", last: "b" } });
    const snapshots = payloads(events, "artifact.written").filter(
      (payload) => (payload as { kind: string }).kind === "context_snapshot",
    );
    expect(snapshots.at(-1)).toMatchObject({ meta: { isFinal: true } });
  });

  test("never shows a step what an unordered sibling set", async () => {
    const seen: Record<string, unknown> = {};
    const runseal = instance((name, { dump, set }) => {
      seen[name] = dump();
      set(name, 1);
      return 1;
    });
    await drive(runseal, "job.fork");
    expect(seen).toEqual({ a: {}, b: { a: 1 }, c: { a: 1 }, d: { a: 1, b: 1, c: 1 } });
  });

  test("two unordered steps that write one key: context.write_conflict at the join, naming key and steps (decision 3.16)", async () => {
    const runseal = instance((name, { set }) => {
      if (name !== "a") set("total", name);
      return 1;
    });
    const { view } = await drive(runseal, "job.fork");
    expect(view.failure).toMatchObject({ code: "context.write_conflict", stepId: "d" });
    expect(view.failure?.message).toContain('"b" and "c"');
    expect(view.failure?.message).toContain('"total"');
  });

  test("nobody joins them: the run fails at its end, with the same code", async () => {
    const runseal = instance((_name, { set }) => {
      set("total", 1);
      return 1;
    });
    const { view } = await drive(runseal, "job.apart");
    expect(view.failure).toMatchObject({ code: "context.write_conflict", stepId: null });
    expect(view.counts.completed).toBe(2);
  });

  test("a failed attempt leaves nothing behind but a picture for people (D-050, D-060)", async () => {
    const seen: unknown[] = [];
    const runseal = instance((_name, ctx) => {
      seen.push(ctx.get("draft") ?? null);
      ctx.set("draft", ctx.attempt);
      if (ctx.attempt === 1) throw Object.assign(new Error("again"), { retryable: true });
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(seen).toEqual([null, null]);
    const kinds = payloads(events, "artifact.written").map((payload) => (payload as { kind: string }).kind);
    expect(kinds).toContain("failure_snapshot");
    expect(payloads(events, "step.completed")).toMatchObject([{ delta: { set: { draft: 2 } } }]);
  });

  test("reads through schemas, deletes, and refuses what it can't keep", async () => {
    const runseal = instance((name, ctx) => {
      if (name === "a") ctx.set("order", { lines: 2 });
      if (name === "b") {
        expect(ctx.get("order", z.object({ lines: z.int() }))?.lines).toBe(2);
        expect(() => ctx.get("order", z.string())).toThrow(
          expect.objectContaining({ code: "context.deserialize_failed" }) as Error,
        );
        expect(ctx.has("order")).toBe(true);
        expect([ctx.delete("order"), ctx.delete("order")]).toEqual([true, false]);
      }
      if (name === "c") expect(ctx.get("order")).toBeUndefined();
      for (const key of ["", "__proto__", "a b", "$x", "k".repeat(257)])
        expect(() => ctx.set(key, 1)).toThrow(expect.objectContaining({ code: "context.invalid_key" }) as Error);
      expect(() => ctx.set("x", 0.5)).toThrow(expect.objectContaining({ code: "value.not_canonical" }) as Error);
      expect(() => ctx.set("x", "y".repeat(5_000_000))).toThrow(expect.objectContaining({ code: "value.too_large" }) as Error);
      return 1;
    });
    expect((await drive(runseal, "job.chain", { names: [] })).view.status).toBe("completed");
  });

  test("keeps large values as artifacts and hands them on", async () => {
    const text = "y".repeat(60_000);
    const seen: unknown[] = [];
    const runseal = instance((name, ctx) => {
      seen.push(ctx.get("text") === text);
      if (name === "a") ctx.set("text", text);
      return 1;
    });
    const { events } = await drive(runseal, "job.chain", { names: [] });
    expect(seen).toEqual([false, true, true]);
    const [first] = payloads(events, "step.completed");
    expect(first).toMatchObject({ delta: { keys: ["text"], ref: expect.stringMatching(/^[0-9a-f]{64}$/) as string } });
  });
});

describe("artifacts, events and progress of handlers", () => {
  test("stand in the log in order, and bytes come back as they went in (D-061)", async () => {
    const runseal = instance(async (_name, ctx) => {
      const id = await ctx.putArtifact("report", "hello");
      expect(new TextDecoder().decode(await ctx.getArtifact(id))).toBe("hello");
      await ctx.emit("invoice.sent", { id: 1 });
      await ctx.emitMany([
        { name: "invoice.sent", payload: { id: 2 } },
        { name: "invoice.sent", payload: { id: 3 } },
      ]);
      await ctx.progress(1, 2);
      await ctx.progress(2);
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(payloads(events, "artifact.written")).toMatchObject([{ kind: "report", bytes: 5, meta: { stepId: "main" } }]);
    expect(payloads(events, "domain")).toEqual(
      [1, 2, 3].map((id) => ({ name: "invoice.sent", stepId: "main", payload: { id } })),
    );
    expect(payloads(events, "progress")).toEqual([
      { stepId: "main", done: 1, total: 2 },
      { stepId: "main", done: 2, total: null },
    ]);
  });

  test("refuse what they can't be, and record nothing of it (D-002, reliability row 85)", async () => {
    const runseal = instance(async (_name, ctx) => {
      for (const kind of ["manifest", "Report", "", "../x"])
        await expect(ctx.putArtifact(kind, "x")).rejects.toMatchObject({ code: "artifact.invalid" });
      for (const id of ["../../etc/passwd", "A".repeat(64), "", "%2e%2e", `${"a".repeat(63)}\u0000`])
        await expect(ctx.getArtifact(id)).rejects.toMatchObject({ code: "artifact.invalid" });
      await expect(ctx.getArtifact("a".repeat(64))).rejects.toMatchObject({ code: "artifact.not_found" });
      for (const name of ["Sent", "run.completed", "", "a b"])
        await expect(ctx.emit(name, {})).rejects.toMatchObject({ code: "domain.event_invalid" });
      for (const [done, total] of [
        [-1, 2],
        [3, 2],
        [0.5, 2],
        [1, Number.NaN],
      ] as const)
        await expect(ctx.progress(done, total)).rejects.toMatchObject({ code: "domain.event_invalid" });
      await expect(
        ctx.emitMany([
          { name: "a.b", payload: 1 },
          { name: "a.b", payload: 0.5 },
        ]),
      ).rejects.toMatchObject({ code: "value.not_canonical" });
      return 1;
    });
    const { events } = await drive(runseal, "job.act", one);
    expect(events.map(({ kind }) => kind)).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "step.entered",
      "step.completed",
      "run.completed",
    ]);
  });

  test("are left out by the event profile minimal; facts are not (D-020, D-065)", async () => {
    const runseal = instance(
      async (_name, ctx) => {
        await ctx.emit("a.b", 1);
        await ctx.progress(1);
        return ctx.fact("k", () => 1);
      },
      { eventProfile: "minimal" },
    );
    const { events } = await drive(runseal, "job.act", one);
    expect(events.map(({ kind }) => kind)).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "step.entered",
      "fact.recorded",
      "step.completed",
      "run.completed",
    ]);
  });
});
