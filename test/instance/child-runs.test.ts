import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  allowAll,
  createCatalog,
  createRunseal,
  createWorker,
  defineMacro,
  defineVerb,
  memoryStores,
  subject,
} from "../../src/index.js";
import type { AnyEvent } from "../../src/model/event.js";
import type { ChildEnd, CompileContext, Runseal, StepContext, Stores } from "../../src/index.js";

const account = z.object({ account: subject("account", "write") });
const pay = defineVerb({ name: "bank.pay", version: 1, effect: "write", recovery: "idempotent", args: account, result: z.int() });
const ask = defineVerb({
  name: "desk.ask",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  mode: "durable",
  args: account,
  result: z.object({ ok: z.boolean() }),
});
const call = defineVerb({
  name: "ops.call",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  retry: { attemptsMax: 2, baseMs: 0, maxMs: 0 },
  args: z.object({ child: z.string(), account: subject("account", "write") }),
  result: z.string(),
});
const think = defineVerb({
  name: "ops.think",
  version: 1,
  effect: "pure",
  args: z.object({ child: z.string() }),
  result: z.string(),
});
const unsure = defineVerb({
  name: "ops.unsure",
  version: 1,
  effect: "write",
  recovery: "manual",
  args: z.object({ child: z.string(), account: subject("account", "write") }),
  result: z.string(),
});
const twice = defineMacro({
  name: "bank.twice",
  version: 1,
  params: account,
  body: ({ step, params }) => {
    const first = step("first", pay, { account: params.account });
    const second = step("second", pay, { account: params.account }, { after: [first] });
    return { sum: second.result, first: first.result };
  },
});
const asked = defineMacro({
  name: "desk.asked",
  version: 1,
  params: account,
  body: ({ step, params }) => ({
    ok: step("ask", ask, { account: params.account }).result.ok,
    paid: step("pay", pay, { account: params.account }).result,
  }),
});
const catalog = createCatalog({ verbs: [pay, ask, call, think, unsure], macros: [twice, asked] });
type House = Runseal<typeof catalog>;

interface Seen {
  readonly paid: string[];
  readonly ends: ChildEnd[];
  calls: number;
}

interface Setting {
  readonly stores?: Stores;
  readonly seen?: Seen;
  readonly pay?: (ctx: StepContext) => Promise<number>;
  readonly call?: (child: string, ctx: StepContext, seen: Seen) => Promise<string>;
}

function house(setting: Setting = {}): { readonly runseal: House; readonly stores: Stores; readonly seen: Seen } {
  const { stores = memoryStores(), seen = { paid: [], ends: [], calls: 0 } } = setting;
  const callChild = async (child: string, ctx: StepContext): Promise<string> => {
    seen.calls += 1;
    const end = await ctx.child(child, { key: "only" });
    seen.ends.push(end);
    return end.status;
  };
  const runseal = createRunseal({
    catalog,
    stores,
    policy: allowAll(),
    handlers: {
      "bank.pay": async (_args, ctx) => {
        seen.paid.push(ctx.idempotencyKey);
        return setting.pay === undefined ? seen.paid.length : setting.pay(ctx);
      },
      "desk.ask": async (_args, ctx) => ctx.park(),
      "ops.call": async ({ child }, ctx) => (setting.call === undefined ? callChild(child, ctx) : setting.call(child, ctx, seen)),
      "ops.think": async ({ child }, ctx) => callChild(child, ctx),
      "ops.unsure": async ({ child }, ctx) => callChild(child, ctx),
    },
  });
  return { runseal, stores, seen };
}

async function seal(runseal: House, name: string, args: object, context: CompileContext = {}): Promise<string> {
  const outcome = await runseal.compile({ name, args }, { intent: "t", ...context });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}

async function family(
  runseal: House,
  child = "bank.twice",
  parent = "ops.call",
): Promise<{ readonly child: string; readonly parent: string }> {
  const childId = await seal(runseal, child, { account: "a-1" });
  return {
    child: childId,
    parent: await seal(runseal, parent, parent === "ops.think" ? { child: childId } : { child: childId, account: "a-1" }),
  };
}

async function logOf(runseal: House, runId: string): Promise<AnyEvent[]> {
  const events: AnyEvent[] = [];
  for await (const event of runseal.history(runId)) events.push(event);
  return events;
}

async function childOf(runseal: House, runId: string): Promise<string> {
  const [child] = await runseal.list({ parent: runId });
  return child?.runId ?? "";
}

const kindsOf = (events: readonly AnyEvent[]): readonly string[] => events.map(({ kind }) => kind);

describe("a child run", () => {
  test("is a sealed runbook run under its parent's locks, once, and its end is the parent's to use (D-100, D-117, decision 3.5)", async () => {
    const { runseal, seen } = house();
    const { child, parent } = await family(runseal);
    const handle = await runseal.execute(parent);
    expect(await handle.result()).toMatchObject({ status: "completed", output: "completed" });
    expect(seen.ends).toEqual([
      { status: "completed", runId: await childOf(runseal, handle.runId), output: { first: 1, sum: 2 } },
    ]);
    expect(kindsOf(await logOf(runseal, handle.runId))).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "lock.acquired",
      "step.entered",
      "child.spawned",
      "child.completed",
      "step.completed",
      "lock.released",
      "run.completed",
    ]);
    const head = (await runseal.list({ parent: handle.runId }))[0];
    expect(head).toMatchObject({ parent: handle.runId, runbookId: child, status: "completed" });
    for (const runId of [handle.runId, head?.runId ?? ""])
      expect(await runseal.verify(runId)).toMatchObject({ integrity: "ok", problems: [] });
  });

  test("has an id made from its parent's and the key, so that a retried step finds it where it was", async () => {
    let tries = 0;
    const { runseal, seen } = house({
      call: async (child, ctx) => {
        tries += 1;
        await ctx.child(child, { key: "k" });
        if (tries === 1) throw Object.assign(new Error("after the child"), { retryable: true });
        return (await ctx.child(child, { key: "k" })).status;
      },
    });
    const { parent } = await family(runseal);
    const handle = await runseal.execute(parent);
    expect(await handle.result()).toMatchObject({ status: "completed", output: "completed" });
    expect({ tries, paid: seen.paid.length, effects: new Set(seen.paid).size }).toEqual({ tries: 2, paid: 2, effects: 2 });
  });

  test("that fails is told to the step, which decides what that means", async () => {
    const failing = house({
      pay: async () => {
        throw Object.assign(new Error("no funds"), { code: "bank.no_funds", category: "policy" });
      },
    });
    const { parent } = await family(failing.runseal);
    expect(await (await failing.runseal.execute(parent)).result()).toMatchObject({ status: "completed", output: "failed" });
    expect(failing.seen.ends).toMatchObject([{ status: "failed", code: "bank.no_funds", message: "no funds" }]);
  });

  test("may not touch what its parent's sealed write-set does not name: write.undeclared, and there is no child", async () => {
    const { runseal, seen } = house();
    const child = await seal(runseal, "bank.twice", { account: "a-2" });
    const parent = await seal(runseal, "ops.call", { child, account: "a-1" });
    const handle = await runseal.execute(parent);
    expect(await handle.result()).toMatchObject({ status: "failed", code: "write.undeclared" });
    expect(await runseal.list({ parent: handle.runId })).toEqual([]);
    expect(seen.paid).toEqual([]);
  });

  test.each([
    ["ops.think", "pure"],
    ["ops.unsure", "manual"],
  ])("is refused to %s: %s verbs are not called again at will", async (name) => {
    const { runseal } = house();
    const { parent } = await family(runseal, "bank.twice", name);
    const result = await (await runseal.execute(parent)).result();
    expect(result).toMatchObject({ status: "failed", code: "child.refused" });
  });

  test("is refused when its id is not among the sealed arguments: nobody approved it", async () => {
    const other: string[] = [];
    const { runseal } = house({ call: async (_child, ctx) => (await ctx.child(other[0] ?? "", { key: "k" })).status });
    other.push(await seal(runseal, "bank.twice", { account: "a-1" }, { intent: "other" }));
    const { parent } = await family(runseal);
    expect(await (await runseal.execute(parent)).result()).toMatchObject({ status: "failed", code: "child.refused" });
    other[0] = "rb_nothing";
    const again = await seal(runseal, "ops.call", { child: "x", account: "a-1" }, { intent: "again" });
    expect(await (await runseal.execute(again)).result()).toMatchObject({ status: "failed", code: "child.refused" });
  });

  test("of a runbook that runs once and has run already is a conflict that names the run (D-100 child_run_conflict)", async () => {
    const { runseal } = house();
    const { child, parent } = await family(runseal);
    const first = await runseal.execute(child);
    await first.result();
    expect(await (await runseal.execute(parent)).result()).toMatchObject({ status: "failed", code: "child.conflict" });
  });

  test("asked for twice at a time is one child", async () => {
    const { runseal, seen } = house({
      call: async (child, ctx) => {
        const ends = await Promise.all([ctx.child(child, { key: "k" }), ctx.child(child, { key: "k" })]);
        return ends.map(({ status }) => status).join();
      },
    });
    const { parent } = await family(runseal);
    expect(await (await runseal.execute(parent)).result()).toMatchObject({ output: "completed,completed" });
    expect(seen.paid).toHaveLength(2);
  });
});

describe("a child that parks", () => {
  test("parks its parent with it; resume of either goes on with both, and the payload reaches the child (decision 3.9)", async () => {
    const { runseal, seen } = house();
    const { parent } = await family(runseal, "desk.asked");
    const handle = await runseal.execute(parent);
    const rest = await handle.result();
    const child = await childOf(runseal, handle.runId);
    expect(rest).toMatchObject({ status: "parked", reason: "awaiting_child", key: `child:${child}` });
    const parked = (await runseal.status(child)).waitingFor;
    await runseal.signal(child, parked?.key ?? "", { ok: true });
    await runseal.resume(child);
    expect(await handle.result()).toMatchObject({ status: "completed", output: "completed" });
    expect(seen.ends).toMatchObject([{ status: "completed", output: { ok: true, paid: 1 } }]);
    expect(seen.calls).toBe(2);
    const log = await logOf(runseal, handle.runId);
    expect(log.filter(({ kind }) => kind === "child.spawned")).toHaveLength(1);
    expect(await runseal.verify(handle.runId)).toMatchObject({ integrity: "ok", problems: [] });
  });

  test("goes on by a worker when its signal comes", async () => {
    const { runseal } = house();
    const { parent } = await family(runseal, "desk.asked");
    const handle = await runseal.execute(parent);
    await handle.result();
    const child = await childOf(runseal, handle.runId);
    await runseal.signal(child, (await runseal.status(child)).waitingFor?.key ?? "", { ok: true });
    const worker = createWorker(runseal, { concurrency: 2 });
    await worker.tick();
    expect(await runseal.status(handle.runId)).toMatchObject({ status: "completed", output: "completed" });
    await worker.drain();
  });

  test("is canceled with its parent, by an event of its own (decision 3.15)", async () => {
    const { runseal } = house();
    const { parent } = await family(runseal, "desk.asked");
    const handle = await runseal.execute(parent);
    await handle.result();
    const child = await childOf(runseal, handle.runId);
    await runseal.cancel(handle.runId, "changed our mind");
    await runseal.resume(handle.runId);
    expect(await handle.result()).toMatchObject({ status: "canceled" });
    expect(await runseal.status(child)).toMatchObject({ status: "canceled", reason: "parent canceled" });
    const canceled = (await logOf(runseal, child)).find(({ kind }) => kind === "run.canceled");
    expect(canceled?.payload).toMatchObject({ by: `run:${handle.runId}` });
    expect((await logOf(runseal, handle.runId)).filter(({ kind }) => kind === "child.completed")).toHaveLength(1);
  });

  test("that a person cancels ends, and its parent hears of it", async () => {
    const { runseal, seen } = house();
    const { parent } = await family(runseal, "desk.asked");
    const handle = await runseal.execute(parent);
    await handle.result();
    await runseal.cancel(await childOf(runseal, handle.runId), "not needed");
    await runseal.resume(handle.runId);
    expect(await handle.result()).toMatchObject({ status: "completed", output: "canceled" });
    expect(seen.ends).toMatchObject([{ status: "canceled", reason: "not needed" }]);
  });
});

describe("a parent that is canceled while its child works", () => {
  test("cancels the child, whose handler is aborted, and both end canceled", async () => {
    const aborted: boolean[] = [];
    const started: (() => void)[] = [];
    const begun = new Promise<void>((resolve) => {
      started.push(resolve);
    });
    const { runseal } = house({
      pay: (ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => {
            aborted.push(true);
            reject(new TypeError("aborted"));
          });
          started[0]?.();
        }),
    });
    const { parent } = await family(runseal);
    const handle = await runseal.execute(parent);
    await begun;
    await runseal.cancel(handle.runId, "stop");
    expect(await handle.result()).toMatchObject({ status: "canceled", reason: "stop" });
    expect(aborted).toEqual([true]);
    expect(await runseal.status(await childOf(runseal, handle.runId))).toMatchObject({ status: "canceled" });
  });
});

describe("a process that dies between a child's steps", () => {
  test("leaves both to the next one, which goes on where the child was (X.5-10, peers 51)", async () => {
    const dead = new Set<string>();
    const stores = memoryStores({ ownerAlive: (owner) => !dead.has(owner) });
    const seen: Seen = { paid: [], ends: [], calls: 0 };
    const hang: (() => void)[] = [];
    const begun = new Promise<void>((resolve) => hang.push(resolve));
    const first = house({
      stores,
      seen,
      pay: (ctx) => (ctx.stepId === "first" ? Promise.resolve(1) : new Promise(() => hang[0]?.())),
    });
    const { parent } = await family(first.runseal);
    const handle = await first.runseal.execute(parent);
    await begun;
    dead.add(stores.owner);
    const second = house({ stores: memoryStores({ sharedWith: stores }), seen });
    await second.runseal.resume(handle.runId);
    const again = await second.runseal.handle(handle.runId);
    expect(await again.result()).toMatchObject({ status: "completed", output: "completed" });
    expect(new Set(seen.paid).size).toBe(2);
    expect(seen.paid.length).toBe(3);
    await first.runseal.close({ drainMs: 0 });
  });
});
