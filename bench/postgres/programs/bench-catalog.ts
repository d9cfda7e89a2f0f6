import { z } from "zod";
import type { Runseal, Stores } from "runseal";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, subject } from "runseal";

const args = { n: z.int(), pad: z.string() };
const result = z.object({ n: z.int() });

/** Writes, names no entity: no write-set, no lock. */
const write = defineVerb({
  name: "bench.write",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object(args),
  result,
});
/** Writes to an entity: a lock for each run. */
const writeTo = defineVerb({
  name: "bench.write_to",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ ...args, account: subject("account", "write") }),
  result,
});
const pure = defineVerb({ name: "bench.pure", version: 1, effect: "pure", args: z.object(args), result });
/** Waits until it is signalled. */
const wait = defineVerb({
  name: "bench.wait",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  mode: "durable",
  args: z.object({ n: z.int() }),
  result,
});

const params = z.object({ numbers: z.array(z.int()), pad: z.string() });
const writes = defineMacro({
  name: "bench.writes",
  version: 1,
  params,
  body: ({ params: { numbers, pad }, step, forEach }) => {
    forEach("steps", numbers, (n) => {
      step("work", write, { n, pad });
    });
  },
});
const writesTo = defineMacro({
  name: "bench.writes_to",
  version: 1,
  params: z.object({ numbers: z.array(z.int()), pad: z.string(), account: subject("account") }),
  body: ({ params: { numbers, pad, account }, step, forEach }) => {
    forEach("steps", numbers, (n) => {
      step("work", writeTo, { n, pad, account });
    });
  },
});
const pures = defineMacro({
  name: "bench.pures",
  version: 1,
  params,
  body: ({ params: { numbers, pad }, step, forEach }) => {
    forEach("steps", numbers, (n) => {
      step("work", pure, { n, pad });
    });
  },
});
const writesThenWaits = defineMacro({
  name: "bench.writes_then_waits",
  version: 1,
  params,
  body: ({ params: { numbers, pad }, step, forEach }) => {
    forEach("steps", numbers, (n) => {
      step("work", write, { n, pad });
    });
    step("wait", wait, { n: 0 });
  },
});

/** Steps that a runbook of the bench may have at most. */
const STEPS_MAX = 200_000;

/** Which macro of the bench. */
export type BenchMacro = "bench.writes" | "bench.writes_to" | "bench.pures" | "bench.writes_then_waits";

/** An instance over the stores, whose writing handler is `work`. */
export function benchInstance(
  stores: Stores,
  leaseMs: number,
  work: (n: number) => Promise<{ readonly n: number }> = async (n) => ({ n }),
): Runseal {
  return createRunseal({
    catalog: createCatalog({ verbs: [write, writeTo, pure, wait], macros: [writes, writesTo, pures, writesThenWaits] }),
    handlers: {
      "bench.write": ({ n }) => work(n),
      "bench.write_to": ({ n }) => work(n),
      "bench.pure": ({ n }) => work(n),
      "bench.wait": async (_args, ctx) => ctx.park({ key: "go" }),
    },
    stores,
    policy: allowAll(),
    limits: { stepsMax: STEPS_MAX },
    leaseMs,
  });
}

/** A sealed runbook of `steps` steps that may run many times. */
export async function benchRunbook(
  runseal: Runseal,
  macro: BenchMacro,
  steps: number,
  pad: string,
  account?: string,
): Promise<string> {
  const numbers = Array.from({ length: steps }, (_, n) => n);
  const invocation = { name: macro, args: { numbers, pad, ...(account === undefined ? {} : { account }) } };
  const outcome = await runseal.compile(invocation, { uses: "many" });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}
