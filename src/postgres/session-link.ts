import type { Client, ClientConfig } from "pg";
import type { Scheduled } from "../time/clock.js";
import type { PgResult } from "./pg-types.js";
import { isRunsealError, RunsealError } from "../errors/error.js";
import { systemClock } from "../time/clock.js";

/** Who hears what happens to a {@link SessionLink}. */
export interface LinkListener {
  /** Called once, when the connection was lost without our doing. */
  lost(): void;
  /** A notification that another connection sent, with the server's process of that one. */
  notified(channel: string, payload: string, pid: number): void;
}

/** How long an orderly end may take before the socket is thrown away, milliseconds. */
const END_MS = 1_000;
/** Quiet time after which the kernel asks whether the server is still there, milliseconds. */
const KEEPALIVE_MS = 5_000;

/** One connection outside the pool: one statement at a time, each bounded, and its loss told once. */
export class SessionLink {
  readonly #client: Client;
  readonly #statementMs: number;
  readonly #listener: LinkListener;
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /** For {@link SessionLink.connect}. */
  constructor(client: Client, statementMs: number, listener: LinkListener) {
    this.#client = client;
    this.#statementMs = statementMs;
    this.#listener = listener;
  }

  /**
   * Connects. Rejects with what `pg` threw, within `connectMs`.
   *
   * @param config - as a `Client` of `pg` takes it, or the options of a pool
   */
  static async connect(
    config: object,
    limits: { readonly connectMs: number; readonly statementMs: number },
    listener: LinkListener,
  ): Promise<SessionLink> {
    // whoever has a pool has the package; the door opens without it
    const { Client } = await import("pg");
    const client = new Client(clientConfig(config));
    const link = new SessionLink(client, limits.statementMs, listener);
    client.on("error", () => link.#lose());
    client.on("end", () => link.#lose());
    client.on("notification", ({ channel, payload, processId }) => listener.notified(channel, payload ?? "", processId));
    try {
      await inTime(client.connect(), limits.connectMs);
    } catch (error) {
      link.#isOver = true;
      destroy(client);
      throw error;
    }
    return link;
  }

  /** Whether it was lost or ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The server's process as told when connecting; a pooler may tell another than the one that answers. */
  get toldPid(): number | null {
    const pid: unknown = Reflect.get(this.#client, "processID");
    return typeof pid === "number" ? pid : null;
  }

  /** Does a statement after those before it. One that takes too long ends the connection: nobody can tell what became of it. */
  async query(text: string, values: readonly unknown[] = [], name?: string): Promise<PgResult> {
    const turn = this.#last.then(() => this.#do(text, values, name));
    this.#last = turn.catch(ignore);
    return turn;
  }

  /** Ends the connection; tells nobody. */
  async end(): Promise<void> {
    this.#isOver = true;
    try {
      await inTime(this.#client.end(), END_MS);
    } catch {
      destroy(this.#client);
    }
  }

  /** Throws the connection away at once, as if it had been lost. */
  break(): void {
    destroy(this.#client);
    this.#lose();
  }

  async #do(text: string, values: readonly unknown[], name: string | undefined): Promise<PgResult> {
    if (this.#isOver) throw lostError("the session's connection was lost");
    const answer = this.#client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
    try {
      return await inTime(answer, this.#statementMs);
    } catch (error) {
      if (isRunsealError(error, "store.connection_lost")) this.break();
      throw error;
    }
  }

  #lose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.lost();
  }
}

/** The options of a pool hide the password from who spreads them. */
function clientConfig(config: object): ClientConfig {
  const given: ClientConfig = config;
  return {
    ...given,
    password: given.password,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    types: undefined,
    pipeline: false,
  };
}

/** Rejects with `store.connection_lost` when a promise takes too long, and sees to what it comes to later. */
export async function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  const bell: { timer?: Scheduled } = {};
  const late = new Promise<never>((_, reject) => {
    bell.timer = systemClock.schedule(ms, () => reject(lostError(`no answer within ${ms} ms`)));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    bell.timer?.cancel();
    promise.catch(ignore);
  }
}

function lostError(said: string): RunsealError<"store.connection_lost"> {
  return new RunsealError("store.connection_lost", said, { call: "session", sqlState: null });
}

/** `end` waits for the server; a server that does not answer must not keep this process alive. */
function destroy(client: Client): void {
  const connection: unknown = Reflect.get(client, "connection");
  const stream: unknown = isObject(connection) ? Reflect.get(connection, "stream") : undefined;
  const end: unknown = isObject(stream) ? Reflect.get(stream, "destroy") : undefined;
  if (typeof end === "function") Reflect.apply(end, stream, []);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function ignore(): void {
  // told to whoever waits for it
}
