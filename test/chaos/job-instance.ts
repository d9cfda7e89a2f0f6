import { setTimeout as later } from "node:timers/promises";
import type { Runseal, StepContext, Stores } from "runseal";
import { allowAll, createRunseal } from "runseal";
import type { PostgresTransaction } from "runseal/postgres";
import type { World, WorldClass } from "./world.js";
import { TRANSACTIONAL_EFFECT } from "./world.js";
import { jobs } from "./job-catalog.js";

/** An instance that knows the jobs. */
export type Jobs = Runseal<typeof jobs>;

/** A run as a list shows it. */
export type RunSummary = Awaited<ReturnType<Jobs["list"]>>[number];

/** Longest pause of a handler before and after it reaches the world, milliseconds: so that trouble finds it there. */
const PAUSE_MS = 12;

/** What {@link jobInstance} takes. */
export interface JobInstanceOptions {
  readonly stores: Stores;
  readonly world: World;
  /** Names the process towards the world. */
  readonly name: string;
  readonly leaseMs: number;
  readonly log?: (text: string) => void;
}

interface Args {
  readonly say: string;
}

/** An instance whose handlers reach the world; workers and whoever submits jobs have the same. */
export function jobInstance({ stores, world, name, leaseMs, log }: JobInstanceOptions): Jobs {
  const tell =
    (cls: WorldClass) =>
    async ({ say }: Args, ctx: StepContext): Promise<{ said: string }> => {
      await later(Math.random() * PAUSE_MS);
      const { runId: run, stepId: step, attempt, idempotencyKey: key, signal } = ctx;
      await world.effect({ cls, run, step, attempt, key, worker: name }, signal);
      await later(Math.random() * PAUSE_MS);
      return { said: say };
    };
  return createRunseal({
    catalog: jobs,
    stores,
    policy: allowAll(),
    leaseMs,
    // accounts are wanted by several jobs at a time, and whoever holds one may have died
    lockDeadlineMs: 120_000,
    ...(log !== undefined && { logger: (line) => log(`${line.runId} ${line.stepId} ${line.message}`) }),
    handlers: {
      "job.note": tell("idempotent"),
      "job.charge": {
        run: tell("reconcile"),
        reconcile: async ({ say }, ctx) =>
          (await world.settle(ctx.idempotencyKey, ctx.attempt, ctx.signal))
            ? { kind: "done", result: { said: say } }
            : { kind: "not_done" },
      },
      "job.pay": tell("manual"),
      "job.post": async ({ say }, ctx) => {
        const { runId: run, stepId: step, attempt, idempotencyKey: key } = ctx;
        const tx = ctx.tx as PostgresTransaction;
        await tx.query(TRANSACTIONAL_EFFECT, [run, step, attempt, key, name]);
        await later(Math.random() * PAUSE_MS);
        return { said: say };
      },
      "job.price": async ({ say }) => ({ said: say }),
    },
  });
}
