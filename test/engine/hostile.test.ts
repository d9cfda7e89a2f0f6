import { describe, expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, memoryStores, subject } from "runseal";
import { Rig, rested } from "./rig.js";
import { buildRunbook } from "./build-runbook.js";

const MEBIBYTE = 1_048_576;
const account = subject("account", "write");
const write = defineVerb({
  name: "bad.write",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account, tags: z.array(z.string()) }),
  result: z.object({ keys: z.array(z.string()), inherited: z.boolean() }),
});
const two = defineMacro({
  name: "bad.two",
  version: 1,
  params: z.object({ account: z.string() }),
  body: ({ params, step }) => {
    const first = step("first", write, { account: params.account, tags: ["a"] });
    const second = step("second", write, { account: params.account, tags: ["b"] }, { after: [first] });
    return { second: second.result.keys };
  },
});

function spoil(args: object): void {
  const spoiling = [
    () => void Object.assign(args, { account: "acc-9" }),
    () => void Object.setPrototypeOf(args, null),
    () => void Object.defineProperty(Object.prototype, "polluted", { value: "yes", configurable: true, enumerable: true }),
    () => void Object.defineProperty(Array.prototype, "polluted", { value: "yes", configurable: true, enumerable: true }),
  ];
  for (const spoilOne of spoiling) {
    try {
      spoilOne();
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
    }
  }
}

function cleanUp(): void {
  for (const place of [Object.prototype, Array.prototype]) Reflect.deleteProperty(place, "polluted");
}

describe("a handler that spoils what it can reach (reliability row 75)", () => {
  test("its arguments, the sealed runbook, Object.prototype: ids, later steps and the log are as without it (D-032)", async () => {
    const spoilt = async (isBad: boolean) => {
      const runseal = createRunseal({
        catalog: createCatalog({ verbs: [write], macros: [two] }),
        stores: memoryStores(),
        policy: allowAll(),
        handlers: {
          "bad.write": async (args, ctx) => {
            const found = { keys: Object.keys(args), inherited: args.tags.join() === (ctx.stepId === "first" ? "a" : "b") };
            if (isBad && ctx.stepId === "first") spoil(args);
            return found;
          },
        },
      });
      try {
        const outcome = await runseal.compile({ name: "bad.two", args: { account: "acc-1" } }, { intent: "spoil" });
        if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
        const run = await runseal.execute(outcome.runbook.id);
        const result = await run.result();
        const again = await runseal.compile({ name: "bad.two", args: { account: "acc-1" } }, { intent: "spoil" });
        const verdict = await runseal.verify(run.runId);
        const kinds: string[] = [];
        for await (const event of run.events()) kinds.push(`${event.kind} ${JSON.stringify(event.payload).includes("polluted")}`);
        const output = result.status === "completed" ? result.output : result;
        return { output, ids: [outcome.runbook.id, again.kind === "compiled" ? again.runbook.id : again.kind], verdict, kinds };
      } finally {
        cleanUp();
      }
    };
    const good = await spoilt(false);
    const bad = await spoilt(true);
    expect(bad.verdict).toMatchObject({ integrity: "ok", problems: [] });
    expect(bad.ids).toEqual(good.ids);
    expect(bad.output).toEqual(good.output);
    expect(bad.kinds).toEqual(good.kinds);
    expect(bad.kinds.filter((line) => line.endsWith("true"))).toEqual([]);
    expect(({} as { readonly polluted?: string }).polluted).toBeUndefined();
  });
});

describe("a result beyond all bounds (reliability row 77)", () => {
  const deep = (): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) value = level % 2 === 0 ? [value] : { value };
    return value;
  };
  const wide = (): unknown => Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`key-${index}`, index]));
  test.each<[string, () => unknown, string]>([
    ["a text of 100 MB", () => "x".repeat(100 * MEBIBYTE), "more than the 4194304 allowed"],
    ["a list of 10 million numbers", () => new Array<number>(10_000_000).fill(7), "more than the 4194304 allowed"],
    ["an object of 300,000 keys", wide, "more than the 4194304 allowed"],
    ["a depth of 100,000", deep, "256"],
  ])("%s is refused with the bound, and costs no more than a bounded part of it", async (_title, make, bound) => {
    const value = make();
    const rig = new Rig({ verbs: { "test.work": { run: async () => value } } });
    const before = process.memoryUsage().rss;
    const { result, view } = rested(await rig.execute(buildRunbook({ steps: [{ id: "a" }] })));
    const grown = process.memoryUsage().rss - before;
    expect(result).toMatchObject({ status: "failed", code: "step.result_invalid" });
    expect(view.failure?.message).toContain(bound);
    expect(view.failure?.message.length).toBeLessThanOrEqual(2_000);
    expect(grown / MEBIBYTE).toBeLessThan(192);
  });
});
