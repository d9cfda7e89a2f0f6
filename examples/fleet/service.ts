import { setTimeout as later } from "node:timers/promises";
import pg from "pg";
import { allowAll, createRunseal } from "runseal";
import { postgresStores } from "runseal/postgres";
import { Billing } from "./billing.js";
import { catalog } from "./operation.js";

/** Where everything of Runseal is; the host's own tables are elsewhere in the same database. */
export const SCHEMA = "runseal";

/** How long the bank takes to answer, milliseconds. */
const BANK_MS = 400;

/** The host's pool. A connection that breaks while nobody uses it must not end the process. */
export function openPool(): pg.Pool {
  const pool = new pg.Pool({ connectionString: required("DATABASE_URL"), max: 8 });
  pool.on("error", (error) => {
    console.error(`a connection broke: ${error.message}`);
  });
  return pool;
}

/** A setting of the environment that there must be. */
export function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  console.error(`${name} is not set`);
  process.exit(2);
}

/** The service that embeds Runseal: the same in the API process, which only submits, and in every worker. */
export function openService() {
  const name = process.env["WORKER_NAME"] ?? "api";
  const pool = openPool();
  const billing = new Billing(pool);
  const runseal = createRunseal({
    catalog,
    stores: postgresStores(pool, { schema: SCHEMA }),
    policy: allowAll(),
    leaseMs: Number(process.env["LEASE_MS"] ?? 10_000),
    handlers: {
      "bill.write": async ({ customer, month }, ctx) => {
        ctx.writes("customer", customer);
        const bill = { number: `${month}/${customer}`, cents: 1_000 + customer.length };
        await billing.write(bill.number, customer, bill.cents);
        return { ...bill, by: name };
      },
      "bill.charge": {
        run: async ({ customer, cents }, ctx) => {
          ctx.writes("customer", customer);
          const payment = await billing.pay(ctx.idempotencyKey, customer, cents);
          await later(BANK_MS);
          return { payment, by: name };
        },
        reconcile: async (_args, ctx) => {
          const payment = await billing.find(ctx.idempotencyKey);
          return payment === undefined ? { kind: "not_done" } : { kind: "done", result: { payment, by: `asked by ${name}` } };
        },
      },
      "bill.mail": async ({ customer, number }, ctx) => {
        ctx.writes("customer", customer);
        await billing.mail(number, customer);
        return { by: name };
      },
    },
  });
  return {
    billing,
    runseal,
    close: async (): Promise<void> => {
      await runseal.close();
      await pool.end();
    },
  };
}
