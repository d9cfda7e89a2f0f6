import { join } from "node:path";
import { allowAll, approvalPolicy, createRunseal } from "runseal";
import { openSqlite } from "runseal/sqlite";
import { Bank } from "./bank.js";
import { catalog } from "./operation.js";

/** The service that embeds Runseal: its own database beside the log of its runs, both in one folder. */
export function openService(folder: string, options: { readonly onPayout?: (account: string) => void } = {}) {
  const bank = new Bank(join(folder, "bank.db"));
  const runseal = createRunseal({
    catalog,
    stores: openSqlite(join(folder, "runs.db")),
    policy: allowAll(),
    approvals: approvalPolicy({ quorum: 1 }),
    handlers: {
      "account.list_open": async ({ customer }) => ({ accounts: bank.openAccounts(customer) }),
      "account.freeze": async ({ account }) => ({ balance: bank.freeze(account) }),
      "account.pay_out_and_close": async ({ account, iban }, ctx) => {
        ctx.writes("account", account);
        const paid = bank.payOutAndClose(account, iban, ctx.idempotencyKey);
        options.onPayout?.(account);
        return { paid };
      },
      "customer.archive": {
        run: async ({ customer }) => ({ archivedAs: bank.archive(customer) }),
        reconcile: async ({ customer }) => {
          const name = bank.archivedAs(customer);
          return name === undefined ? { kind: "not_done" } : { kind: "done", result: { archivedAs: name } };
        },
      },
    },
  });
  return { bank, runseal };
}
