import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, subject } from "runseal";
import type { Stores } from "runseal";
import { openSqlite } from "runseal/sqlite";

const args = z.object({ item: subject("item", "write") });
const result = z.object({ done: z.string() });

const again = defineVerb({ name: "effect.again", version: 1, effect: "write", recovery: "idempotent", args, result });
const asked = defineVerb({ name: "effect.asked", version: 1, effect: "write", recovery: "reconcile", args, result });
const doubted = defineVerb({ name: "effect.doubted", version: 1, effect: "write", recovery: "manual", args, result });
const join_ = defineVerb({
  name: "text.join",
  version: 1,
  effect: "pure",
  args: z.object({ parts: z.array(z.string()) }),
  result: z.object({ text: z.string() }),
});

/** Three writes, one of each recovery class where `doubt` is set, and a pure step over their results. */
export const story = defineMacro({
  name: "crash.story",
  version: 1,
  params: z.object({ doubt: z.boolean() }),
  body: ({ params, step, when, eq }) => {
    const a = step("a", again, { item: "i-a" });
    const b = step("b", asked, { item: "i-b" }, { after: [a] });
    when(eq(params.doubt, true), () => {
      step("c", doubted, { item: "i-c" }, { after: [b] });
    });
    const all = step("all", join_, { parts: [a.result.done, b.result.done] });
    return { text: all.result.text };
  },
});

/** Where a process may be killed: around the n-th commit, and inside handlers around their effect. */
export type Fault = {
  readonly point: "before_commit" | "after_commit" | "before_effect" | "after_effect";
  readonly nth: number;
} | null;

/** The effects that happened outside, in order, one line each: `<step> <idempotencyKey>`. */
export function effects(folder: string): readonly string[] {
  const file = join(folder, "effects.log");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

/** An instance over the folder's file that kills its own process at a fault point. */
export function openStory(folder: string, fault: Fault) {
  let commits = 0;
  let done = 0;
  const dieAt = (point: string, nth: number): void => {
    if (fault?.point === point && fault.nth === nth) process.kill(process.pid, "SIGKILL");
  };
  const stores = openSqlite(join(folder, "runs.db"));
  const faulty: Stores = {
    ...stores,
    events: {
      commit: async (writes, options) => {
        commits += 1;
        const nth = commits;
        dieAt("before_commit", nth);
        const answer = await stores.events.commit(writes, options);
        dieAt("after_commit", nth);
        return answer;
      },
      commitMany: (writes) => stores.events.commitMany(writes),
    },
  };
  const effect = (stepId: string, key: string): { done: string } => {
    done += 1;
    const nth = done;
    dieAt("before_effect", nth);
    if (!effects(folder).includes(`${stepId} ${key}`)) appendFileSync(join(folder, "effects.log"), `${stepId} ${key}\n`);
    appendFileSync(join(folder, "calls.log"), `${stepId} ${key}\n`);
    dieAt("after_effect", nth);
    return { done: stepId };
  };
  const runseal = createRunseal({
    catalog: createCatalog({ verbs: [again, asked, doubted, join_], macros: [story] }),
    stores: faulty,
    policy: allowAll(),
    handlers: {
      "effect.again": async (_args, ctx) => effect(ctx.stepId, ctx.idempotencyKey),
      "effect.asked": {
        run: async (_args, ctx) => effect(ctx.stepId, ctx.idempotencyKey),
        reconcile: async (_args, ctx) => {
          const happened = effects(folder).includes(`${ctx.stepId} ${ctx.idempotencyKey}`);
          return happened ? { kind: "done", result: { done: ctx.stepId } } : { kind: "not_done" };
        },
      },
      "effect.doubted": async (_args, ctx) => effect(ctx.stepId, ctx.idempotencyKey),
      "text.join": async ({ parts }) => ({ text: parts.join("+") }),
    },
  });
  return runseal;
}
