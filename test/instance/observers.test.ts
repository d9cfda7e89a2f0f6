import { describe, expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, memoryStores } from "runseal";
import type { AnyEvent, Observer, RunsealOptions, StepContext } from "runseal";
import { compiled, openShop } from "./shop.js";

const count = defineVerb({
  name: "rows.count",
  version: 1,
  effect: "pure",
  args: z.object({ rows: z.int() }),
  result: z.object({ rows: z.int() }),
});
const all = defineMacro({
  name: "rows.all",
  version: 1,
  params: z.object({ rows: z.int() }),
  body: ({ params, step }) => ({ rows: step("count", count, { rows: params.rows }).result.rows }),
});
const catalog = createCatalog({ verbs: [count], macros: [all] });

/** An instance whose one step does what the test says. */
function rows(
  observers: readonly Observer[],
  work: (ctx: StepContext, rows: number) => Promise<void>,
  more: Partial<RunsealOptions<typeof catalog>> = {},
) {
  return createRunseal({
    catalog,
    stores: memoryStores(),
    policy: allowAll(),
    observers,
    handlers: {
      "rows.count": async (args, ctx) => {
        await work(ctx, args.rows);
        return args;
      },
    },
    ...more,
  });
}

const nothing = async (): Promise<void> => undefined;

describe("observers", () => {
  test("are told of every event of a run after its commit, in order, with scope and run", async () => {
    const told: { event: AnyEvent; scope: string; runId: string }[] = [];
    const unseen: number[] = [];
    const shop = openShop({
      observers: [
        {
          name: "all",
          onEvent: async (event, { scope, runId }) => {
            told.push({ event, scope, runId });
            const head = await shop.stores.reader.head(scope, `run/${runId}`);
            if ((head?.seq ?? 0) < event.seq) unseen.push(event.seq);
          },
        },
      ],
    });
    const eu = shop.runseal.withScope("eu");
    const runbooks = [
      await compiled(eu, "order.buy", { order: "o-1", items: ["a", "b"] }, "t-1"),
      await compiled(eu, "order.buy", { order: "o-2", items: ["c"] }, "t-2"),
    ];
    const runs = await Promise.all(runbooks.map(({ id }) => eu.execute(id)));
    await Promise.all(runs.map((run) => run.result()));
    await expect.poll(() => eu.observers()[0]?.waiting).toBe(0);
    for (const run of runs) {
      const history: AnyEvent[] = [];
      for await (const event of run.events()) history.push(event);
      const own = told.filter(({ runId }) => runId === run.runId).map(({ event }) => event);
      expect(own).toEqual(history);
      expect(own.map(({ seq }) => seq)).toEqual(history.map((_event, index) => index + 1));
    }
    expect(new Set(told.map(({ scope }) => scope))).toEqual(new Set(["eu"]));
    expect(unseen).toEqual([]);
    expect(told.every(({ event }) => Object.isFrozen(event) && Object.isFrozen(event.payload))).toBe(true);
    await expect
      .poll(() => shop.runseal.observers())
      .toEqual([{ name: "all", delivered: told.length, failed: 0, dropped: 0, waiting: 0 }]);
    await shop.runseal.close();
  });

  test("that throw, reject or break promises are counted, and the run ends as if nobody had looked (reliability row 93)", async () => {
    const hostile: readonly Observer[] = [
      {
        name: "throws",
        onEvent: () => {
          throw new TypeError("canary");
        },
      },
      { name: "rejects", onEvent: () => Promise.reject("no error") },
      {
        name: "odd",
        onEvent: () => ({
          get then() {
            throw null;
          },
        }),
      },
      {
        name: "changes",
        onEvent: (event) => {
          Object.assign(event.payload as object, { seq: 7 });
        },
      },
      { name: "good", onEvent: () => 7 },
    ];
    const end = async (observers: readonly Observer[]): Promise<unknown> => {
      const shop = openShop({ observers });
      const { id } = await compiled(shop.runseal, "order.buy", { order: "o-1", items: ["a"] });
      const run = await shop.runseal.execute(id);
      const result = await run.result();
      const status = await run.status();
      await shop.runseal.close();
      return { output: "output" in result ? result.output : result, steps: status.steps, counts: shop.runseal.observers() };
    };
    const disturbed = (await end(hostile)) as { counts: readonly { delivered: number }[]; output: unknown };
    const quiet = (await end([])) as { output: unknown };
    expect(disturbed.output).toEqual(quiet.output);
    const events = disturbed.counts.at(-1)?.delivered ?? 0;
    expect(events).toBeGreaterThan(8);
    const failing = { delivered: 0, failed: events, dropped: 0, waiting: 0 };
    expect(disturbed.counts).toEqual([
      { name: "throws", ...failing },
      { name: "rejects", ...failing },
      { name: "odd", ...failing },
      { name: "changes", ...failing },
      { name: "good", delivered: events, failed: 0, dropped: 0, waiting: 0 },
    ]);
  });

  test("that hang hold up neither runs nor the others, fall behind by a thousand events at most, and are not waited for when closing", async () => {
    const seen: string[] = [];
    const hanging: Observer = { name: "hangs", onEvent: () => new Promise(() => undefined) };
    const quick: Observer = { name: "quick", onEvent: ({ kind }) => void seen.push(kind) };
    const runseal = rows([hanging, quick], async (ctx) => {
      for (let batch = 0; batch < 15; batch += 1)
        await ctx.emitMany(Array.from({ length: 100 }, (_, index) => ({ name: "row.done", payload: { index } })));
    });
    expect(await runseal.run("rows.all", { rows: 1 })).toEqual({ rows: 1 });
    const [stuck] = runseal.observers();
    expect(stuck).toMatchObject({ name: "hangs", delivered: 0, failed: 0 });
    expect((stuck?.waiting ?? 0) + (stuck?.dropped ?? 0)).toBeGreaterThan(1_500);
    expect(stuck?.waiting).toBe(1_000);
    await expect.poll(() => runseal.observers()[1]?.waiting).toBe(0);
    await runseal.close({ drainMs: 1 });
    const [gone, other] = runseal.observers();
    expect(gone).toMatchObject({ delivered: 0, failed: 1, waiting: 0 });
    expect((gone?.dropped ?? 0) + 1).toBe((other?.delivered ?? 0) + (other?.dropped ?? 0));
  });

  test("are told the rest before closing, as long as the drain lasts", async () => {
    let delivered = 0;
    const slow: Observer = {
      name: "slow",
      onEvent: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        delivered += 1;
      },
    };
    const runseal = rows([slow], nothing);
    await runseal.run("rows.all", { rows: 1 });
    await runseal.close();
    expect(runseal.observers()).toEqual([{ name: "slow", delivered, failed: 0, dropped: 0, waiting: 0 }]);
    expect(delivered).toBeGreaterThan(3);
  });

  test("are not part of the step whose commit they hear of: they may use the instance", async () => {
    const outcomes: string[] = [];
    const curious: Observer = {
      name: "curious",
      onEvent: async ({ kind }) => {
        if (kind === "domain") outcomes.push((await runseal.compile({ name: "rows.all", args: { rows: 2 } })).kind);
      },
    };
    const runseal = rows([curious], async (ctx) => {
      await ctx.emit("row.done", {});
      await ctx.fact("now", () => 1);
    });
    await runseal.run("rows.all", { rows: 1 });
    await expect.poll(() => outcomes).toEqual(["compiled"]);
    await runseal.close();
  });

  test("can draw a bar: progress carries what is done and how much there is", async () => {
    const bar: string[] = [];
    const draw: Observer = {
      name: "bar",
      onEvent: (event) => {
        if (event.kind === "progress") bar.push(`${event.payload.done}/${event.payload.total}`);
      },
    };
    const runseal = rows([draw], async (ctx, total) => {
      for (let done = 1; done <= total; done += 1) await ctx.progress(done, total);
      await ctx.progress(total);
    });
    await runseal.run("rows.all", { rows: 3 });
    await runseal.close();
    expect(bar).toEqual(["1/3", "2/3", "3/3", "3/null"]);
  });

  test.each([
    [[{ name: "", onEvent: nothing }]],
    [[{ name: "a b", onEvent: nothing }]],
    [[{ name: 7 as never, onEvent: nothing }]],
    [[{ name: "a", onEvent: "no function" as never }]],
    [
      [
        { name: "a", onEvent: nothing },
        { name: "a", onEvent: nothing },
      ],
    ],
  ])("%j can't be observers", (observers) => {
    expect(() => rows(observers, nothing)).toThrow(
      expect.objectContaining({ code: "instance.misconfigured", details: { option: "observers" } }),
    );
  });
});
