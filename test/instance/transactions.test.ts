import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  allowAll,
  approvalPolicy,
  createCatalog,
  createRunseal,
  createWorker,
  defineMacro,
  defineVerb,
  memoryStores,
  subject,
} from "runseal";
import type { AnyEvent, MemoryTransaction, Runseal, RunsealOptions, StepContext, Stores } from "runseal";
import { openSqlite } from "runseal/sqlite";
import type { SqliteTransaction } from "runseal/sqlite";
import { tempFile } from "../sqlite/temp-file.js";

const result = z.object({ balance: z.int() });
const credit = defineVerb({
  name: "account.credit",
  version: 1,
  effect: "write",
  recovery: "manual",
  transactional: true,
  retry: { attemptsMax: 3, baseMs: 1, maxMs: 2 },
  args: z.object({ account: subject("account", "write"), cents: z.int() }),
  result,
});
const note = defineVerb({
  name: "book.note",
  version: 1,
  effect: "pure",
  args: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
});
const pay = defineMacro({
  name: "account.pay",
  version: 1,
  params: z.object({ account: subject("account"), cents: z.int() }),
  body: ({ params, step }) => ({
    balance: step("credit", credit, { account: params.account, cents: params.cents }).result.balance,
  }),
});
const catalog = createCatalog({ verbs: [credit, note], macros: [pay] });

/** The host's own accounts, in the database of the stores. */
interface Accounts {
  readonly stores: Stores;
  readonly add: (tx: unknown, account: string, cents: number) => number;
  readonly all: () => Promise<Readonly<Record<string, number>>>;
}

function inMemory(): Accounts {
  const table = new Map<string, number>();
  return {
    stores: memoryStores(),
    add: (tx, account, cents) => {
      const balance = (table.get(account) ?? 0) + cents;
      (tx as MemoryTransaction).set(table, account, balance);
      return balance;
    },
    all: async () => Object.fromEntries(table),
  };
}

function inSqlite(): Accounts {
  const stores = openSqlite(tempFile());
  const create = "CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)";
  return {
    stores,
    add: (tx, account, cents) => {
      const sql = tx as SqliteTransaction;
      sql.run(create);
      sql.run("INSERT INTO accounts VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET cents = cents + excluded.cents", [
        account,
        cents,
      ]);
      return Number(sql.get("SELECT cents FROM accounts WHERE id = ?", [account])?.["cents"]);
    },
    all: () =>
      stores.transactions.run(async (tx) => {
        const sql = tx.handle as SqliteTransaction;
        sql.run(create);
        return Object.fromEntries(sql.all("SELECT id, cents FROM accounts").map(({ id, cents }) => [String(id), Number(cents)]));
      }),
  };
}

type Handler = (accounts: Accounts, args: { account: string; cents: number }, ctx: StepContext) => Promise<{ balance: number }>;

const plain: Handler = async ({ add }, { account, cents }, ctx) => ({ balance: add(ctx.tx, account, cents) });

function open(
  accounts: Accounts,
  handler: Handler = plain,
  more: Partial<RunsealOptions<typeof catalog>> = {},
): Runseal<typeof catalog> {
  return createRunseal({
    catalog,
    stores: accounts.stores,
    policy: allowAll(),
    handlers: {
      "account.credit": (args, ctx) => handler(accounts, args, ctx),
      "book.note": async (args, ctx) => {
        expect("tx" in ctx).toBe(false);
        return args;
      },
    },
    ...more,
  });
}

async function sealed(runseal: Runseal<typeof catalog>, intent: string, uses: "once" | "many" = "once"): Promise<string> {
  const outcome = await runseal.compile({ name: "account.pay", args: { account: "a-1", cents: 5 } }, { intent, uses });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}

describe.each([
  ["memory", inMemory],
  ["sqlite", inSqlite],
])("over %s", (_, make) => {
  test("a transactional verb changes the host's rows exactly once per step, whatever its tries (decision 3.12)", async () => {
    const accounts = make();
    const runseal = open(accounts, async ({ add }, { account, cents }, ctx) => {
      const balance = add(ctx.tx, account, cents);
      if (ctx.attempt === 1) throw new TypeError("not yet");
      return { balance };
    });
    expect(await runseal.run("account.pay", { account: "a-1", cents: 5 }, { intent: "t-1" })).toEqual({ balance: 5 });
    expect(await runseal.run("account.pay", { account: "a-1", cents: 5 }, { intent: "t-1" })).toEqual({ balance: 5 });
    expect(await accounts.all()).toEqual({ "a-1": 5 });
    const [run] = await runseal.list();
    expect(await runseal.verify(run?.runId ?? "")).toMatchObject({ integrity: "ok", problems: [] });
    await runseal.close();
  });

  test("replay never calls it, and finds no difference (decision 3.17)", async () => {
    const accounts = make();
    let calls = 0;
    const runseal = open(accounts, async (own, args, ctx) => {
      calls += 1;
      return plain(own, args, ctx);
    });
    await runseal.run("account.pay", { account: "a-1", cents: 5 }, { intent: "t-1" });
    const [run] = await runseal.list();
    for (const mode of ["replay_decisions", "re_simulate"] as const) {
      expect(await runseal.replay(run?.runId ?? "", { mode })).toMatchObject({ divergences: [] });
    }
    expect([calls, await accounts.all()]).toEqual([1, { "a-1": 5 }]);
    await runseal.close();
  });

  test("observers hear of a completion once its transaction is committed, and of nothing that was rolled back", async () => {
    const accounts = make();
    const heard: string[] = [];
    const runseal = open(accounts, plain, {
      observers: [{ name: "ears", onEvent: (event: AnyEvent) => void heard.push(event.kind) }],
    });
    const id = await sealed(runseal, "t-1");
    await expect(
      accounts.stores.transactions.run(async (tx) => {
        await runseal.enqueue(tx, id);
        throw new TypeError("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    await runseal.run("account.pay", { account: "a-1", cents: 5 }, { intent: "t-1" });
    await runseal.close();
    expect(heard.filter((kind) => kind === "run.submitted" || kind === "step.completed")).toEqual([
      "run.submitted",
      "step.completed",
    ]);
  });

  test("enqueue makes a run with the host's own rows, or neither; a worker hears of it after the commit", async () => {
    const accounts = make();
    const runseal = open(accounts);
    const worker = createWorker(runseal);
    worker.start();
    const id = await sealed(runseal, "t-1");
    await expect(
      accounts.stores.transactions.run(async (tx) => {
        accounts.add(tx.handle, "order", 1);
        await runseal.enqueue(tx, id);
        throw new TypeError("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    expect([await accounts.all(), await runseal.list()]).toEqual([{}, []]);
    const handle = await accounts.stores.transactions.run(async (tx) => {
      accounts.add(tx.handle, "order", 1);
      const made = await runseal.enqueue(tx.handle, id, { labels: { of: "order" } });
      expect(await accounts.stores.runs.list("default", { status: ["queued"] })).toHaveLength(1);
      return made;
    });
    expect(await handle.result()).toMatchObject({ status: "completed", output: { balance: 5 } });
    expect(await accounts.all()).toEqual({ order: 1, "a-1": 5 });
    await worker.drain();
    await runseal.close();
  });

  test("enqueue gives the run that a runbook of one use, or a dedupKey, has already, here and inside (decision 1.6)", async () => {
    const accounts = make();
    const runseal = open(accounts);
    const [once, many, other] = [
      await sealed(runseal, "t-1"),
      await sealed(runseal, "t-2", "many"),
      await sealed(runseal, "t-3", "many"),
    ];
    const known = await runseal.submit(once);
    const ids = await accounts.stores.transactions.run(async (tx) => {
      const again = await runseal.enqueue(tx, once);
      const first = await runseal.enqueue(tx, many, { dedupKey: "d" });
      const second = await runseal.enqueue(tx, many, { dedupKey: "d" });
      await expect(runseal.enqueue(tx, other, { dedupKey: "d" })).rejects.toMatchObject({ code: "run.dedup_conflict" });
      expect(second.runId).toBe(first.runId);
      return [again.runId, first.runId];
    });
    expect(ids[0]).toBe(known.runId);
    expect((await runseal.list()).map(({ runId }) => runId).sort()).toEqual([known.runId, ids[1]].sort());
    await runseal.close();
  });

  test("enqueue refuses what is no open transaction of its stores, and nothing is left", async () => {
    const accounts = make();
    const runseal = open(accounts);
    const id = await sealed(runseal, "t-1");
    for (const tx of [undefined, null, {}, "tx"]) {
      await expect(runseal.enqueue(tx, id)).rejects.toMatchObject({ code: "run.invalid_option", details: { option: "tx" } });
    }
    const others = make();
    await others.stores.transactions.run(async (tx) => {
      await expect(runseal.enqueue(tx, id)).rejects.toMatchObject({ code: "run.invalid_option" });
    });
    const ended = await accounts.stores.transactions.run(async (tx) => tx);
    await expect(runseal.enqueue(ended, id)).rejects.toMatchObject({ code: "store.transaction_ended" });
    await accounts.stores.transactions.run(async (tx) => {
      await expect(runseal.enqueue(tx, "rb_none")).rejects.toMatchObject({ code: "runbook.not_found" });
    });
    expect(await runseal.list()).toEqual([]);
    await others.stores.close();
    await runseal.close();
  });

  test("enqueue asks for approvals as submit does: when the run starts, and not before (decision 3.4)", async () => {
    const accounts = make();
    const runseal = open(accounts, plain, { approvals: approvalPolicy({ quorum: 1 }) });
    const id = await sealed(runseal, "t-1");
    const handle = await accounts.stores.transactions.run((tx) => runseal.enqueue(tx, id));
    await expect(runseal.resume(handle.runId)).rejects.toMatchObject({ code: "admission.approval_missing" });
    const { documentDigest } = await runseal.preview(id);
    await runseal.approve(id, { principal: { subject: "ines" }, viewed: documentDigest });
    expect(await (await runseal.resume(handle.runId)).result()).toMatchObject({ status: "completed" });
    expect(await accounts.all()).toEqual({ "a-1": 5 });
    await runseal.close();
  });

  test("a transactional handler may enqueue in its own transaction: the run is there exactly when the step has completed", async () => {
    const accounts = make();
    let next = "";
    const enqueued: string[] = [];
    const runseal: Runseal<typeof catalog> = open(accounts, async (own, args, ctx) => {
      const answer = await plain(own, args, ctx);
      if (ctx.runId === enqueued[0]) return answer;
      const run = await runseal.enqueue(ctx.tx, next);
      if (ctx.attempt === 1) throw new TypeError("not yet");
      enqueued.push(run.runId);
      return answer;
    });
    next = await sealed(runseal, "t-2");
    await runseal.run("account.pay", { account: "a-1", cents: 5 }, { intent: "t-1" });
    expect((await runseal.list({ status: ["queued"] })).map(({ runId }) => runId)).toEqual(enqueued);
    expect(await accounts.all()).toEqual({ "a-1": 5 });
    await runseal.close();
  });
});

test("whether a verb is transactional is part of its contract: a run that was sealed with one kind is not done by the other (decision 1.7)", async () => {
  const accounts = inMemory();
  const runseal = open(accounts);
  const id = await sealed(runseal, "t-1");
  expect((await runseal.preview(id)).text).toContain("one transaction");
  const { transactional, ...plainContract } = {
    name: "account.credit",
    version: 1,
    effect: "write",
    recovery: "manual",
    transactional: true,
    args: credit.args,
    result,
  } as const;
  expect(transactional).toBe(true);
  const other = defineVerb(plainContract);
  expect(other.contract.digest).not.toBe(credit.contract.digest);
  expect(defineVerb({ ...plainContract, transactional: false }).contract).toEqual(other.contract);
  expect([credit.contract.timeoutMs, other.contract.timeoutMs]).toEqual([5_000, 300_000]);
  const changed = createRunseal({
    catalog: createCatalog({ verbs: [other, note], macros: [] }),
    stores: accounts.stores,
    policy: allowAll(),
    handlers: { "account.credit": async () => ({ balance: 1 }), "book.note": async (args) => args },
  });
  await expect(changed.execute(id)).rejects.toMatchObject({ code: "admission.contract_drift" });
});
