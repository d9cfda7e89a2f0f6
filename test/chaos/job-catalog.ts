import { z } from "zod";
import { createCatalog, defineMacro, defineVerb, subject } from "runseal";

const account = subject("account", "write");
const args = z.object({ account, say: z.string() });
const result = z.object({ said: z.string() });
// a process dies every second: nobody gives up because of that
const retry = { attemptsMax: 1_000, baseMs: 5, maxMs: 50 } as const;
const fields = { version: 1, effect: "write", args, result, retry } as const;

const note = defineVerb({ ...fields, name: "job.note", recovery: "idempotent" });
const charge = defineVerb({ ...fields, name: "job.charge", recovery: "reconcile" });
const pay = defineVerb({ ...fields, name: "job.pay", recovery: "manual" });
const post = defineVerb({ ...fields, name: "job.post", recovery: "idempotent", transactional: true });
const price = defineVerb({
  name: "job.price",
  version: 1,
  effect: "pure",
  args: z.object({ say: z.string() }),
  result,
});

const work = defineMacro({
  name: "job.work",
  version: 1,
  params: z.object({ job: z.string(), a: account, b: account }),
  body: ({ params, step }) => {
    const noted = step("noted", note, { account: params.a, say: params.job });
    const priced = step("priced", price, { say: noted.result.said });
    const charged = step("charged", charge, { account: params.b, say: priced.result.said });
    const paid = step("paid", pay, { account: params.a, say: charged.result.said });
    const posted = step("posted", post, { account: params.b, say: paid.result.said });
    const last = step("last", note, { account: params.b, say: posted.result.said });
    return { last: last.result.said };
  },
});

/** What the jobs of a fleet under chaos do: every recovery class, and exactly once in the log's own transaction, over accounts that other jobs want too. */
export const jobs = createCatalog({ verbs: [note, charge, pay, post, price], macros: [work] });

/** Steps of a job that reach the world. */
export const WORLD_STEPS = ["noted", "charged", "paid", "posted", "last"] as const;
