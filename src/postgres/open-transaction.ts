import type { PgClient } from "./pg-types.js";
import type { StreamWrite } from "../stores/event-store.js";
import { GatedTransaction } from "../stores/transaction-gate.js";
import { RunsealError } from "../errors/error.js";
import { sqlFailure, stateOf } from "./postgres-error.js";

/** State of a transaction in which a statement has failed. */
const ABORTED = "25P02";

/** Statements that begin or end a transaction, after white space and comments; savepoints are the host's. */
const CONTROLS =
  /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|;)*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b/i;

/**
 * What `ctx.tx` is over PostgreSQL: the `query` of `pg`, in the transaction that the log shares. Beginning and ending are not the handle's.
 */
export interface PostgresTransaction {
  /**
   * Runs one statement, in any form that `pg` takes: text and values, or one object. Rejects with what `pg` throws.
   * @throws {@link RunsealError} `store.transaction_ended`, `store.transaction_timeout`; `store.failed` for a statement that would end it
   */
  query(
    text:
      string | { readonly text: string; readonly values?: readonly unknown[]; readonly name?: string; readonly rowMode?: string },
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Record<string, unknown>[]; readonly rowCount: number | null }>;
}

/** A transaction on a connection of its own. */
export class OpenTransaction extends GatedTransaction<PostgresTransaction> {
  readonly client: PgClient;
  /** What the log gets in it. */
  readonly writes: StreamWrite[] = [];

  constructor(of: object, client: PgClient) {
    super(of, (assertOpen) => handleOver(client, assertOpen));
    this.client = client;
  }

  /**
   * Looks at constraints that were deferred to the commit, too: what they refuse then would take the log's part with it.
   *
   * @throws {@link RunsealError} `store.transaction_lost` after a statement that failed; what {@link sqlFailure} makes of a constraint's refusal
   */
  async assertSound(): Promise<void> {
    try {
      await this.client.query({ text: "SET CONSTRAINTS ALL IMMEDIATE" });
    } catch (thrown) {
      const { error } = sqlFailure(thrown, "tx.query");
      if (stateOf(thrown) !== ABORTED) throw error;
      const message =
        "a statement in the transaction failed, and catching its error does not save the others; let it through, or put a savepoint before it";
      throw new RunsealError("store.transaction_lost", message, { call: "tx.query", sqlState: ABORTED }, { cause: thrown });
    }
  }
}

function handleOver(client: PgClient, assertOpen: (call: string) => void): PostgresTransaction {
  return Object.freeze({
    query: async (
      text: string | { readonly text: string; readonly values?: readonly unknown[] },
      values?: readonly unknown[],
    ) => {
      assertOpen("tx.query");
      const query = typeof text === "string" ? { text, values } : text;
      if (CONTROLS.test(query.text)) throw controlled();
      // one statement at a time, also without values: a second one could be a COMMIT
      const { rows, rowCount } = await client.query({
        ...query,
        values: [...(query.values ?? [])],
        queryMode: "extended",
      });
      return { rows: rows.map((row) => ({ ...row })), rowCount };
    },
  });
}

function controlled(): RunsealError<"store.failed"> {
  const message = "the transaction is begun and ended by the store; return to commit it, throw to roll it back";
  return new RunsealError("store.failed", message, { call: "tx.query" });
}
