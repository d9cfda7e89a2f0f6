import { z } from "zod";
import { createCatalog, decimal, defineMacro, defineVerb, subject } from "runseal";

/** Which accounts does the customer have open? Asked while compiling; the answer is pinned in the runbook. */
export const listOpen = defineVerb({
  name: "account.list_open",
  version: 1,
  effect: "read",
  args: z.object({ customer: subject("customer") }),
  result: z.object({ accounts: z.array(z.object({ id: subject("account"), balance: decimal() })) }),
});

export const freeze = defineVerb({
  name: "account.freeze",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write") }),
  result: z.object({ balance: decimal() }),
  sentence: "Stop all movements on {account}",
});

export const confirmPayout = defineVerb({
  name: "payout.confirm",
  version: 1,
  effect: "pure",
  mode: "human_gate",
  args: z.object({ customer: subject("customer"), balances: z.array(decimal()) }),
  result: z.object({ iban: z.string().min(8) }),
  sentence: "A person confirms where the money goes",
});

export const payOutAndClose = defineVerb({
  name: "account.pay_out_and_close",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write"), iban: z.string() }),
  result: z.object({ paid: decimal() }),
  sentence: "Pay out {account} and close it",
});

export const archive = defineVerb({
  name: "customer.archive",
  version: 1,
  effect: "write",
  recovery: "reconcile",
  args: z.object({ customer: subject("customer", "write"), paid: z.array(decimal()) }),
  result: z.object({ archivedAs: z.string() }),
  sentence: "Archive {customer}",
});

/** Off-boarding: freeze every open account, let a person confirm the payout, pay out and close each, archive the customer. */
export const offboard = defineMacro({
  name: "customer.offboard",
  version: 1,
  params: z.object({ customer: subject("customer") }),
  body: ({ params, lookup, step, forEach }) => {
    const open = lookup("open", listOpen, { customer: params.customer });
    const balances = forEach("freeze", open.accounts, { key: (account) => account.id }, (account) => {
      return step("stop", freeze, { account: account.id }).result.balance;
    });
    const payout = step("payout", confirmPayout, { customer: params.customer, balances });
    const paid = forEach("close", open.accounts, { key: (account) => account.id }, (account) => {
      return step("pay", payOutAndClose, { account: account.id, iban: payout.result.iban }).result.paid;
    });
    const archived = step("archive", archive, { customer: params.customer, paid });
    return { paid, archivedAs: archived.result.archivedAs };
  },
});

export const catalog = createCatalog({ verbs: [listOpen, freeze, confirmPayout, payOutAndClose, archive], macros: [offboard] });
