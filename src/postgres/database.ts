import type { PgClient, PgPool, PgQuery, PgResult } from "./pg-types.js";
import type { SchemaName } from "./schema-name.js";
import type { Statement } from "./statement.js";
import { RunsealError } from "../errors/error.js";
import { Counters } from "../stores/counters.js";
import { Handle } from "../stores/handle.js";
import { systemClock } from "../time/clock.js";
import { NOT_CONNECTED, sqlFailure } from "./postgres-error.js";

/** First and largest delay between two attempts, milliseconds. */
const RETRY_BASE_MS = 5;
const RETRY_MAX_MS = 250;

/** What a {@link Database} is made with. */
export interface DatabaseOptions {
  readonly pool: PgPool;
  readonly schema: SchemaName;
  /** How long a call tries while the server is away, starting, or busy, milliseconds. */
  readonly busyMs: number;
  /** How long one statement may take before its connection is given up, milliseconds. */
  readonly statementMs: number;
  /** Brings the schema up to date, or looks whether it is; done once, before the first statement. */
  readonly prepare: (database: Database) => Promise<unknown>;
  /** Absent: nobody reads what is counted. */
  readonly counters?: Counters;
}

/** The server, through the host's pool: bounded waiting, bounded trying again, and errors of this package. */
export class Database {
  readonly handle = new Handle();
  /** Stands in the notifications of what is committed here: whoever watches here was told already. */
  readonly origin = Math.random().toString(36).slice(2, 12);
  readonly schema: SchemaName;
  readonly busyMs: number;
  readonly counters: Counters;
  readonly #options: DatabaseOptions;
  #preparing: Promise<unknown> | undefined;
  #isPrepared = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.schema = options.schema;
    this.busyMs = options.busyMs;
    this.counters = options.counters ?? new Counters();
  }

  /**
   * Does a statement that may be done twice: a read, or a write that changes nothing when it is repeated. Tries again for `busyMs`.
   *
   * @throws {@link RunsealError} `store.closed`, and what {@link sqlFailure} makes of the last failure
   */
  query(call: string, statement: Statement, values: readonly unknown[]): Promise<PgResult> {
    return this.retrying(call, () => this.once(call, statement, values), { repeatable: true });
  }

  /** Does a statement once; rejects with what `pg` threw. */
  once(call: string, statement: Statement, values: readonly unknown[]): Promise<PgResult> {
    return this.send(call, statement.with(values));
  }

  /** Like {@link once}, for a query that somebody else put together. */
  async send(call: string, query: PgQuery): Promise<PgResult> {
    this.handle.use(call);
    if (!this.#isPrepared) await this.#prepare(call);
    const client = await this.#connect(call);
    this.counters.add("statements");
    return await this.#using(call, client, () => client.query(query));
  }

  /** A connection in the caller's hands until `work` ends; closed instead of given back when `work` throws, or has called `spoil`. */
  async withClient<T>(
    call: string,
    work: (client: PgClient, spoil: () => void) => Promise<T>,
    options?: { readonly unprepared?: boolean },
  ): Promise<T> {
    if (options?.unprepared !== true && !this.#isPrepared) await this.#prepare(call);
    const client = await this.#connect(call);
    const onError = ignore;
    client.on("error", onError);
    let isSpoiled = false;
    const spoil = (): void => {
      isSpoiled = true;
    };
    try {
      return await work(client, spoil);
    } catch (error) {
      spoil();
      throw error;
    } finally {
      client.removeListener("error", onError);
      client.release(isSpoiled);
    }
  }

  /**
   * Tries again while nothing was done, and where it may be repeated also when the connection was lost under it.
   *
   * @throws {@link RunsealError} the last failure, when `busyMs` have passed or trying again is no use
   */
  async retrying<T>(call: string, attempt: () => Promise<T>, options: { readonly repeatable: boolean }): Promise<T> {
    let since: number | undefined;
    for (let tries = 0; ; tries += 1) {
      this.handle.use(call);
      try {
        return await attempt();
      } catch (thrown) {
        const { kind, error } = sqlFailure(thrown, call);
        if (kind === "final" || (kind === "unknown" && !options.repeatable)) throw error;
        const now = systemClock.now();
        since ??= now;
        if (now - since >= this.busyMs) throw error;
        await this.pause(tries);
      }
    }
  }

  /** Waits a random, growing time. */
  async pause(tries: number): Promise<void> {
    this.counters.add("retries");
    await systemClock.sleep(1 + Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** tries));
  }

  /** Sees to the schema, once, for statements that go through a connection of somebody else. */
  async prepared(call: string): Promise<void> {
    this.handle.use(call);
    if (!this.#isPrepared) await this.#prepare(call);
  }

  async #prepare(call: string): Promise<void> {
    this.#preparing ??= this.#options.prepare(this);
    try {
      await this.#preparing;
      this.#isPrepared = true;
    } catch (error) {
      this.#preparing = undefined;
      // whatever was lost, it was none of what the caller asked for
      throw sqlFailure(error, call).kind === "unknown" ? notConnected(error, call) : error;
    }
  }

  async #using(call: string, client: PgClient, work: () => Promise<PgResult>): Promise<PgResult> {
    const onError = ignore;
    client.on("error", onError);
    let isDone = false;
    const giveBack = (destroy: boolean): void => {
      if (isDone) return;
      isDone = true;
      client.removeListener("error", onError);
      client.release(destroy);
    };
    try {
      const result = await this.inTime(call, work());
      giveBack(false);
      return result;
    } catch (error) {
      // after an error of the statement alone the connection is as good as before; anything else is not worth the doubt
      giveBack(!isServersOwn(error));
      throw error;
    }
  }

  /** Waits for an answer no longer than a statement may take; then it is as if the connection had been lost. */
  inTime<T>(call: string, answer: Promise<T>): Promise<T> {
    return within(answer, this.#options.statementMs, () => Promise.reject(this.#tooLong(call)));
  }

  /** As good as a connection that was lost under the statement: nobody can tell whether it was done. */
  #tooLong(call: string): RunsealError<"store.connection_lost"> {
    const message = `PostgreSQL gave no answer to "${call}" within ${this.#options.statementMs} ms`;
    return new RunsealError("store.connection_lost", message, { call, sqlState: "ETIMEDOUT" });
  }

  async #connect(call: string): Promise<PgClient> {
    const { pool, busyMs } = this.#options;
    const connecting = pool.connect();
    try {
      const client = await within<PgClient | undefined>(connecting, busyMs, () => undefined);
      if (client !== undefined) return client;
    } catch (thrown) {
      if (isEnded(pool)) throw poolEnded(call, thrown);
      // not connected: whatever the reason, nothing was done
      throw sqlFailure(thrown, call).kind === "unknown" ? notConnected(thrown, call) : thrown;
    }
    connecting.then((client) => client.release(), ignore);
    // whoever waits when a pool is ended waits for ever
    if (isEnded(pool)) throw poolEnded(call);
    const message = `the pool had no connection within ${busyMs} ms; make it larger, or look for what keeps its connections`;
    throw new RunsealError("store.pool_exhausted", message, { call, waitedMs: busyMs });
  }
}

/** What a promise comes to; or, where that takes longer than `ms`, what `late` gives. One promise: a race of two makes six. */
function within<T>(promise: Promise<T>, ms: number, late: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const settling =
      <A>(settle: (outcome: A) => void) =>
      (outcome: A): void => {
        timer.cancel();
        settle(outcome);
      };
    const timer = systemClock.schedule(ms, () => resolve(late()));
    promise.then(settling(resolve), settling(reject));
  });
}

/** Errors that the server reports with a five-letter state below the fatal ones leave the session usable. */
function isServersOwn(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  return Reflect.get(error, "severity") === "ERROR";
}

/** As a pool of `pg` tells; one of another make does not. */
function isEnded(pool: PgPool): boolean {
  return Reflect.get(pool, "ending") === true || Reflect.get(pool, "ended") === true;
}

/** There is nothing to wait for: for whoever works with the stores it is as if they had been closed. */
function poolEnded(call: string, cause?: unknown): RunsealError<"store.closed"> {
  const message = `"${call}" found that the pool was ended; close the stores, or the instance, before their pool`;
  return new RunsealError("store.closed", message, { call }, { cause });
}

function notConnected(thrown: unknown, call: string): RunsealError<"store.connection_lost"> {
  const { message } = sqlFailure(thrown, call).error;
  return new RunsealError("store.connection_lost", message, { call, sqlState: NOT_CONNECTED }, { cause: thrown });
}

function ignore(): void {
  // a connection that breaks in our hands is told by the statement that was under way
}
