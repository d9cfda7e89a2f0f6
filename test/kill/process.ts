import { join } from "node:path";
import { allowAll, approvalPolicy, createRunseal } from "runseal";
import type { Runseal, StepContext, Stores } from "runseal";
import { openSqlite } from "runseal/sqlite";
import { atFaultPoints } from "runseal/testing";
import type { FaultPoint } from "runseal/testing";
import { credit } from "./credit.js";
import { Outside } from "./outside.js";
import { plots } from "./plot.js";

/** One process that works on the runs of a folder. */
export interface PlotProcess {
  readonly runseal: Runseal<typeof plots>;
  readonly outside: Outside;
  /** Whether nobody worked in this folder before. */
  isFirst: boolean;
  /** Called inside the handler of a slow step; it returns when this has resolved. */
  meanwhile: (stepId: string, runId: string) => Promise<void>;
  /** How often each fault point was passed. */
  readonly passed: ReadonlyMap<FaultPoint, number>;
}

interface Args {
  readonly account: string;
  readonly say: string;
}

/** Opens the folder's file, or other stores; `reached` hears of every fault point, by its name and how often it was passed. */
export function openPlot(
  folder: string,
  reached: (point: FaultPoint, nth: number) => void,
  stores: Stores = openSqlite(join(folder, "runs.db")),
): PlotProcess {
  const outside = new Outside(folder);
  const passed = new Map<FaultPoint, number>();
  const credits = new Map<string, number>();
  const write = async ({ say }: Args, { stepId, idempotencyKey: key }: StepContext): Promise<{ noted: string }> => {
    outside.add("called", stepId, key);
    const isFirst = outside.count("called", stepId) === 1;
    if (!outside.has("effect", key)) outside.add("effect", stepId, key);
    if (isFirst && stepId === "shaky") throw Object.assign(new TypeError("the line is busy"), { retryable: true });
    return { noted: say };
  };
  const self: PlotProcess = {
    outside,
    passed,
    isFirst: false,
    meanwhile: async () => undefined,
    runseal: createRunseal({
      catalog: plots,
      stores,
      policy: allowAll(),
      approvals: approvalPolicy({ quorum: 1 }),
      // long enough for a busy machine: a process that is merely slow must not lose its run
      leaseMs: 1_800,
      faultPoints: atFaultPoints((point) => {
        const nth = (passed.get(point) ?? 0) + 1;
        passed.set(point, nth);
        reached(point, nth);
      }),
      handlers: {
        "plot.fetch": async ({ say }, ctx) => {
          outside.add("called", ctx.stepId, ctx.idempotencyKey);
          const noted = await ctx.fact("account-of", () => {
            outside.add("asked", ctx.stepId, "account-of");
            return `${say}-late`;
          });
          return { noted };
        },
        "plot.note": write,
        "plot.slow": async (args, ctx) => {
          const answer = await write(args, ctx);
          await self.meanwhile(ctx.stepId, ctx.runId);
          return answer;
        },
        "plot.call": async ({ child }, ctx) => {
          const end = await ctx.child(child, { key: "only" });
          return { noted: end.status };
        },
        "plot.credit": async ({ account }, ctx) => {
          outside.add("called", ctx.stepId, ctx.idempotencyKey);
          // the second credit of anybody would be seen in the output
          return { noted: `credits: ${await credit(ctx.tx, credits, account)}` };
        },
        "plot.open": write,
        "plot.shut": {
          // knows no keys either
          run: async ({ say }, ctx) => {
            outside.add("called", ctx.stepId, ctx.idempotencyKey);
            outside.add("effect", ctx.stepId, ctx.idempotencyKey);
            return { noted: say };
          },
          reconcile: async ({ say }, ctx) =>
            outside.has("effect", ctx.idempotencyKey) ? { kind: "done", result: { noted: say } } : { kind: "not_done" },
        },
        "plot.book": {
          // this service knows no keys: whoever calls it twice books twice
          run: async ({ say }, ctx) => {
            outside.add("called", ctx.stepId, ctx.idempotencyKey);
            outside.add("effect", ctx.stepId, ctx.idempotencyKey);
            if (outside.count("called", ctx.stepId) === 1) throw Object.assign(new TypeError("no answer"), { retryable: true });
            return { noted: say };
          },
          reconcile: async ({ say }, ctx) =>
            outside.has("effect", ctx.idempotencyKey) ? { kind: "done", result: { noted: say } } : { kind: "not_done" },
        },
        "plot.pay": async ({ say }, ctx) => {
          outside.add("called", ctx.stepId, ctx.idempotencyKey);
          outside.add("effect", ctx.stepId, ctx.idempotencyKey);
          if (outside.count("called", ctx.stepId) === 1) return new Promise<never>(() => undefined);
          return { noted: say };
        },
        "plot.report": async (args, ctx) => {
          ctx.set("report", args.say);
          await ctx.emit("report.begun", { say: args.say });
          await ctx.putArtifact("report", "row\n".repeat(80_000));
          return write(args, ctx);
        },
        "plot.send": async (args, ctx) => {
          await write(args, ctx);
          return ctx.park();
        },
      },
    }),
  };
  return self;
}
