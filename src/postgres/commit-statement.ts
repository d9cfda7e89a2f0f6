import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { PgQuery, PgResult } from "./pg-types.js";
import { brokenAt } from "../stores/commit-checks.js";
import { genesisHash } from "../history/chain.js";
import { RunsealError } from "../errors/error.js";
import { Statement } from "./statement.js";
import { eventJson, Files, headJson } from "./write-json.js";

/** An answer, with the number of each stream that was written. */
export type StoredAnswer =
  | Exclude<CommitAnswer, { kind: "committed" }>
  | {
      readonly kind: "committed";
      readonly heads: readonly {
        readonly stream: StreamWrite["stream"];
        readonly seq: number;
        readonly hash: string;
        readonly id: string;
      }[];
      readonly at: number;
    };

/** Any commits in one call of the function `commit_writes`, each all or nothing and answered for itself. */
export class CommitStatement {
  readonly #statement: Statement;
  readonly #channel: string;
  readonly #origin: string;

  constructor({ schema, origin }: Database) {
    this.#statement = new Statement(schema, "SELECT {{schema}}.commit_writes($1::jsonb, $2::bytea[], $3)::text AS answers");
    this.#channel = schema.channel;
    this.#origin = origin;
  }

  query(commits: readonly (readonly StreamWrite[])[]): PgQuery {
    return this.#statement.with(this.#values(commits, this.#origin));
  }

  /**
   * Goes through a connection in a transaction: leaves no prepared statement behind.
   *
   * @param isOurs - whether these stores end the transaction, and tell then
   */
  queryIn(writes: readonly StreamWrite[], isOurs: boolean): PgQuery {
    return this.#statement.plain(this.#values([writes], isOurs ? this.#origin : undefined));
  }

  #values(commits: readonly (readonly StreamWrite[])[], origin: string | undefined): readonly unknown[] {
    const files = new Files();
    const json = JSON.stringify(commits.map((writes) => writes.map((write) => writeJson(write, files, origin))));
    return [json, files.buffers, this.#channel];
  }

  /** The answers of {@link CommitStatement.query}, in order; of {@link CommitStatement.queryIn} the one. */
  answers(result: PgResult): readonly StoredAnswer[] {
    const text = result.rows[0]?.["answers"];
    if (typeof text === "string") return JSON.parse(text) as readonly StoredAnswer[];
    throw new RunsealError("store.schema_mismatch", "commit_writes gave no answer", { call: "events.commit", sqlState: "" });
  }
}

/**
 * The seq at which the events of a write do not continue one another, or the beginning of a stream; `undefined` = they do.
 *
 * Whether they continue the stream as it stands is for the store to see.
 */
export function brokenIn(write: StreamWrite): number | undefined {
  const { scope, stream, expectedSeq, events } = write;
  return brokenAt(write, expectedSeq === 0 ? genesisHash(scope, stream) : (events[0]?.prev ?? ""));
}

function writeJson(write: StreamWrite, files: Files, origin: string | undefined): Readonly<Record<string, unknown>> {
  const { events, artifacts, consume, claim } = write;
  const broken = brokenIn(write);
  return {
    ...headJson(write, origin),
    e: events.map((event) => eventJson(event)),
    ...(artifacts.length > 0 && {
      f: artifacts.map((artifact) => files.add(artifact)),
    }),
    ...(broken !== undefined && { bk: broken }),
    ...(claim?.limits !== undefined && claim.limits.length > 0 && { li: claim.limits }),
    ...(consume?.approvals !== undefined && { ap: consume.approvals }),
    ...(consume?.signals !== undefined && { sg: consume.signals }),
  };
}
