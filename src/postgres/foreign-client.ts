import type { PgQuery, PgResult } from "./pg-types.js";
import { RunsealError } from "../errors/error.js";

/** A transaction of the host as the log joins it: one way to run a statement in it. */
export interface ForeignClient {
  query(query: PgQuery): Promise<PgResult>;
}

type Call = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * Reads the host's handle by its shape: a client of `pg` (`query`), Prisma (`$queryRawUnsafe`), or anything with a `query(text, values)`
 * that gives rows or `{ rows }`.
 *
 * @throws {@link RunsealError} `run.invalid_option` when it has none of these
 */
export function foreignClient(handle: unknown): ForeignClient {
  const prisma = methodOf(handle, "$queryRawUnsafe");
  if (prisma !== undefined) return { query: async ({ text, values }) => resultOf(await prisma(text, ...(values ?? []))) };
  const query = methodOf(handle, "query");
  if (query !== undefined) return { query: async ({ text, values }) => resultOf(await query(text, values ?? [])) };
  const message =
    "this is no transaction of PostgreSQL; give what `stores.transactions.run` gave, `ctx.tx`, or a client whose query(text, values) runs in the host's transaction (docs/transactions.md has Drizzle, Kysely, Prisma and Knex)";
  throw new RunsealError("run.invalid_option", message, { option: "tx" });
}

function methodOf(handle: unknown, name: string): Call | undefined {
  if ((typeof handle !== "object" && typeof handle !== "function") || handle === null) return undefined;
  const method: unknown = Reflect.get(handle, name);
  return typeof method === "function" ? (...args) => Promise.resolve(Reflect.apply(method, handle, args)) : undefined;
}

function resultOf(answer: unknown): PgResult {
  const rows: unknown = Array.isArray(answer)
    ? answer
    : typeof answer === "object" && answer !== null
      ? Reflect.get(answer, "rows")
      : undefined;
  if (Array.isArray(rows)) return { rows, rowCount: rows.length };
  const message = "the transaction's query gave no rows: its query(text, values) must give rows, or an object with them";
  throw new RunsealError("run.invalid_option", message, { option: "tx" });
}
