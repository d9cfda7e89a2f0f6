import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, createWorker, defineMacro, defineVerb, subject } from "runseal";
import { openSqlite } from "runseal/sqlite";
import { atFaultPoints } from "runseal/testing";
import type { FaultPoint } from "runseal/testing";
import { Outside } from "./outside.js";

/** What the first step of a run does to the process that calls its handler. */
export type Trouble = "none" | "die" | "memory" | "float" | "block" | "slow" | "wait";

const account = subject("account", "write");
const result = z.object({ done: z.string() });
const fields = { version: 1, effect: "write", args: z.object({ account }), result } as const;
const again = defineVerb({ ...fields, name: "trouble.again", recovery: "idempotent" });
const manual = defineVerb({ ...fields, name: "trouble.manual", recovery: "manual" });
const wait = defineVerb({ ...fields, name: "trouble.wait", recovery: "idempotent", mode: "durable" });
const calm = defineVerb({ ...fields, name: "trouble.calm", recovery: "idempotent" });

const params = z.object({ which: z.enum(["again", "manual", "wait"]), account: z.string() });

/** A troublesome step, and a calm one after it. */
const two = defineMacro({
  name: "trouble.two",
  version: 1,
  params,
  body: ({ params, step, when, eq }) => {
    when(eq(params.which, "again"), () => void step("again", again, { account: params.account }));
    when(eq(params.which, "manual"), () => void step("manual", manual, { account: params.account }));
    when(eq(params.which, "wait"), () => void step("wait", wait, { account: params.account }));
    const last = step("last", calm, { account: params.account });
    return { done: last.result.done };
  },
});

/** What a process may be told. */
export interface TroubleOptions {
  readonly trouble: Trouble;
  readonly leaseMs?: number;
  /** When a wait ends, milliseconds since the epoch. */
  readonly until?: number;
  readonly reached?: (point: FaultPoint) => void;
}

/** An instance over the folder's file whose troublesome handler makes trouble, or none. */
export function openTrouble(folder: string, options: TroubleOptions) {
  const outside = new Outside(folder);
  const call = async (_args: unknown, ctx: { readonly stepId: string; readonly idempotencyKey: string }) => {
    outside.add("called", ctx.stepId, ctx.idempotencyKey);
    await makeTrouble(folder, options.trouble);
    return { done: ctx.stepId };
  };
  const { reached, leaseMs } = options;
  const runseal = createRunseal({
    catalog: createCatalog({ verbs: [again, manual, wait, calm], macros: [two] }),
    stores: openSqlite(join(folder, "runs.db")),
    policy: allowAll(),
    ...(leaseMs !== undefined && { leaseMs }),
    ...(reached !== undefined && { faultPoints: atFaultPoints(reached) }),
    handlers: {
      "trouble.again": call,
      "trouble.manual": call,
      "trouble.wait": async (args, ctx) => {
        await call(args, ctx);
        return ctx.park({ until: options.until ?? 0 });
      },
      "trouble.calm": async (_args, ctx) => {
        outside.add("called", ctx.stepId, ctx.idempotencyKey);
        return { done: "calm" };
      },
    },
  });
  const seal = async (which: "again" | "manual" | "wait", name = "acc-1"): Promise<string> => {
    const outcome = await runseal.compile({ name: "trouble.two", args: { which, account: name } }, { intent: which + name });
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    return outcome.runbook.id;
  };
  return { runseal, outside, seal, worker: createWorker(runseal, { pollMs: 20 }) };
}

async function makeTrouble(folder: string, trouble: Trouble): Promise<void> {
  switch (trouble) {
    case "die":
      process.kill(process.pid, "SIGKILL");
      return;
    case "memory": {
      const kept: number[][] = [];
      for (;;) kept.push(new Array<number>(100_000).fill(kept.length));
    }
    case "float":
      void Promise.reject(new TypeError("nobody waits for this"));
      await later(5);
      return;
    case "block":
      // no turn for timers, renewals or anything else
      while (!existsSync(join(folder, "go")));
      return;
    case "slow":
      while (!existsSync(join(folder, "go"))) await later(2);
      return;
    case "none":
    case "wait":
  }
}
