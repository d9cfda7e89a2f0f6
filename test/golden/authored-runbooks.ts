import { z } from "zod";
import {
  allowAll,
  createCatalog,
  createRunseal,
  decimal,
  defineMacro,
  defineVerb,
  instant,
  memoryStores,
  opaque,
  plain,
  subject,
} from "runseal";
import type { CompileContext } from "runseal";

// Thirty invocations that between them use every part of what an id covers. Their ids stand in `authored-ids.json` and may not change.

const listAccounts = defineVerb({
  name: "account.list",
  version: 1,
  effect: "read",
  args: z.object({ owner: subject("customer") }),
  result: z.object({ accounts: z.array(z.object({ id: subject("account"), open: z.boolean() })) }),
});
const open = defineVerb({
  name: "account.open",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({
    account: subject("account", "write"),
    owner: subject("customer"),
    currency: z.enum(["EUR", "USD"]),
    note: z.string().optional(),
    tags: z.array(z.string()).default(["new"]),
    reference: plain(z.uuid()).optional(),
  }),
  result: z.object({ number: z.string(), opened: z.boolean(), limit: decimal() }),
  sentence: "Open {account} for {owner}",
});
const close = defineVerb({
  name: "account.close",
  version: 2,
  effect: "write",
  recovery: "reconcile",
  retry: { attemptsMax: 5, baseMs: 100, maxMs: 1_000 },
  timeout: "30s",
  tags: ["closing"],
  args: z.object({ account: subject("account", "write", z.uuid()), at: instant().optional(), reason: z.string().nullable() }),
  result: z.object({ closed: z.boolean() }),
});
const mail = defineVerb({
  name: "mail.send",
  version: 1,
  effect: "write",
  recovery: "manual",
  mode: "durable",
  args: z.object({ to: z.string().check(opaque("mail.address", 1, (value: string) => value.includes("@"))), lines: z.array(z.string()), meta: z.record(z.string(), z.int()).optional() }),
  result: z.object({ id: z.string() }),
});
const confirm = defineVerb({
  name: "work.confirm",
  version: 1,
  effect: "pure",
  mode: "human_gate",
  args: z.object({ question: z.string() }),
  result: z.object({ yes: z.boolean() }),
});
const sum = defineVerb({ name: "math.sum", version: 1, effect: "pure", args: z.object({ of: z.array(z.int()) }), result: z.object({ sum: z.int() }) });

const onboard = defineMacro({
  name: "customer.onboard",
  version: 1,
  params: z.object({ customer: subject("customer"), currencies: z.array(z.enum(["EUR", "USD"])), vip: z.boolean().default(false), note: z.string().optional() }),
  body: ({ params, step, forEach, when, allocate, eq, concat }) => {
    const numbers = forEach("accounts", params.currencies, (currency) => {
      const opened = step("open", open, { account: allocate("account"), owner: params.customer, currency, note: params.note });
      return opened.result.number;
    });
    when(eq(params.vip, true), () => {
      step("greet", mail, { to: concat(params.customer, "@example.org"), lines: numbers });
    });
    return { numbers };
  },
});
const offboard = defineMacro({
  name: "customer.offboard",
  version: 3,
  params: z.object({ customer: subject("customer"), reason: z.string().nullable() }),
  body: ({ params, lookup, require, forEach, when, step, bind, not, exists, orElse }) => {
    const found = lookup("accounts", listAccounts, { owner: params.customer }, { recheck: "on_resume" });
    require("known", listAccounts, { owner: params.customer }, {});
    const sure = step("sure", confirm, { question: "close them all?" });
    forEach("close", found.accounts, { key: (account) => account.id }, (account) => {
      when(account.open, () => {
        step("one", close, { account: account.id, reason: params.reason, at: bind("at", instant()) }, { after: [sure], when: sure.result.yes });
      });
    });
    when(not(exists(params.reason)), () => {
      step("ask", mail, { to: "desk@example.org", lines: [orElse(params.reason, "no reason")] }, { after: [sure], optional: [sure] });
    });
  },
});
const both = defineMacro({
  name: "customer.move",
  version: 1,
  params: z.object({ from: subject("customer"), to: subject("customer"), amounts: z.array(z.int()) }),
  body: ({ params, invoke, step, forEach }) => {
    const opened = invoke("in", onboard, { customer: params.to, currencies: ["EUR"] });
    const doubled = forEach("twice", params.amounts, { key: "index" }, (amount) => step("sum", sum, { of: [amount, amount] }).result.sum);
    const total = step("total", sum, { of: doubled }, { after: [opened] });
    return { total: total.result.sum, numbers: opened.result.numbers };
  },
});

const catalog = createCatalog({ verbs: [listAccounts, open, close, mail, confirm, sum], macros: [onboard, offboard, both] });
const a = "0b6c0f6e-1f0e-4d6f-9a6b-3d8f3f6f0a01";
const b = "0b6c0f6e-1f0e-4d6f-9a6b-3d8f3f6f0a02";

interface Sample {
  readonly name: string;
  readonly args: unknown;
  readonly context?: CompileContext;
  readonly scope?: string;
}

const offboarding = { name: "customer.offboard", args: { customer: "c-1", reason: "moved" } };
const onboarding = { name: "customer.onboard", args: { customer: "c-7", currencies: ["EUR", "USD"] } };
const adding = { name: "math.sum", args: { of: [1, 2, 3] } };
const bindings = { at: "2026-05-01T00:00:00Z" };

const samples: readonly Sample[] = [
  { ...onboarding, context: { intent: "ticket-42" } },
  { ...onboarding, context: { intent: "ticket-43" } },
  { ...onboarding, context: { intent: "ticket-42" }, scope: "tenant-2" },
  { name: "customer.onboard", args: { customer: "c-7", currencies: ["USD", "EUR"] }, context: { intent: "ticket-42" } },
  { name: "customer.onboard", args: { customer: "c-7", currencies: ["EUR"], vip: true }, context: { intent: "ticket-42" } },
  { name: "customer.onboard", args: { customer: "c-7", currencies: ["EUR"], note: "é" }, context: { intent: "ticket-42" } },
  { name: "customer.onboard", args: { customer: "c-7", currencies: ["EUR"], note: "e\u0301" }, context: { intent: "ticket-42" } },
  { name: "customer.onboard", args: { customer: "c-7", currencies: ["EUR"], note: "\u20ac \ud83d\ude00 \u2028" }, context: { intent: "ticket-42" } },
  { ...offboarding, context: { intent: "t", bindings } },
  { name: "customer.offboard", args: { customer: "c-1", reason: null }, context: { intent: "t", bindings } },
  { ...offboarding, context: { intent: "t", bindings: { at: "2026-06-01T00:00:00Z" } } },
  { ...offboarding, context: { intent: "t", bindings, snapshotCursor: "lsn-1" } },
  { ...offboarding, context: { intent: "t", bindings, execution: { onFailure: "continue_independent" } } },
  { ...offboarding, context: { intent: "t", bindings, execution: { skipTags: ["closing"] } } },
  { ...offboarding, context: { intent: "t", bindings, execution: { deadlineMs: 60_000 } } },
  { ...offboarding, context: { intent: "t", bindings, limits: { stepsMax: 50 } } },
  { name: "customer.move", args: { from: "c-1", to: "c-2", amounts: [1, 2] }, context: { intent: "m" } },
  { name: "customer.move", args: { from: "c-1", to: "c-2", amounts: [] }, context: { intent: "m" } },
  { name: "customer.move", args: { from: "c-1", to: "c-2", amounts: [9_007_199_254_740_991, -1] }, context: { intent: "m" } },
  { ...adding },
  { ...adding, context: { uses: "many" } },
  { ...adding, context: { uses: "many", intent: "again" } },
  { name: "math.sum", args: { of: [] } },
  { name: "math.sum", args: { of: [-0] } },
  { name: "account.open", args: { account: a, owner: "c-1", currency: "EUR" }, context: { intent: "d" } },
  { name: "account.open", args: { account: a, owner: b, currency: "EUR", tags: [], reference: b }, context: { intent: "d" } },
  { name: "account.close", args: { account: a.toUpperCase(), reason: null }, context: { intent: "d" } },
  { name: "account.close", args: { account: a, reason: "x", at: "2026-01-01T00:00:00Z" }, context: { intent: "d" } },
  { name: "mail.send", args: { to: "a@b.c", lines: ["", "\u0000"], meta: { z: 1, a: 2 } }, context: { intent: "d" } },
  { name: "work.confirm", args: { question: "sure?" }, context: { intent: "d" } },
];

/** Compiles the samples and gives their ids, in order. */
export async function goldenIds(): Promise<readonly { readonly sample: string; readonly id: string }[]> {
  const runseal = createRunseal({
    catalog,
    stores: memoryStores(),
    policy: allowAll(),
    handlers: {
      "account.list": async () => ({ accounts: [{ id: a, open: true }, { id: b, open: false }] }),
      "account.open": async () => ({ number: "1", opened: true, limit: "0" }),
      "account.close": { run: async () => ({ closed: true }), reconcile: async () => ({ kind: "unknown" as const }) },
      "mail.send": async () => ({ id: "1" }),
      "math.sum": async () => ({ sum: 0 }),
    },
  });
  const ids: { sample: string; id: string }[] = [];
  for (const { scope = "default", context, ...invocation } of samples) {
    const outcome = await runseal.withScope(scope).compile(invocation, context);
    if (outcome.kind !== "compiled") throw new TypeError(`${invocation.name}: ${JSON.stringify(outcome)}`);
    ids.push({ sample: JSON.stringify({ ...invocation, ...(context === undefined ? {} : { context }), scope }), id: outcome.runbook.id });
  }
  return ids;
}
