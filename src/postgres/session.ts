import type { PgResult } from "./pg-types.js";
import type { Counters } from "../stores/counters.js";
import type { LinkListener } from "./session-link.js";
import { canonicalize } from "../json/canonical.js";
import { sha256Hex } from "../json/digest.js";
import { isRunsealError, RunsealError } from "../errors/error.js";
import { Handle } from "../stores/handle.js";
import { systemClock } from "../time/clock.js";
import { checkForPooler } from "./pooler-check.js";
import { sqlFailure } from "./postgres-error.js";
import { SessionLink } from "./session-link.js";

/** What a {@link Session} is made with. */
export interface SessionOptions {
  /** How to connect: options of a pool or of a `Client` of `pg`, past any pooler in transaction mode. */
  readonly config: object;
  /** What this process is called in leases and locks; stands in the connection's `application_name`. */
  readonly owner: string;
  /** How long a call tries to connect, milliseconds. */
  readonly busyMs: number;
  /** How long one statement may take, milliseconds. Nothing here waits for others, so this is about the network. */
  readonly statementMs: number;
  /** Absent: nobody reads what is counted. */
  readonly counters?: Counters;
}

/** A session that is open: one backend serves it, and it was seen to. */
export interface OpenSession {
  /** The backend's process. */
  readonly pid: number;
  /** Key of an advisory lock that it holds as long as it lives: a signed 64-bit integer in decimal. */
  readonly mark: string;
  /** `backend_start`, microseconds since the epoch, in decimal. */
  readonly startedAt: string;
  readonly isOver: boolean;
  query(text: string, values: readonly unknown[], name?: string): Promise<PgResult>;
}

/** Bytes of an application name; the server cuts what is longer. */
const NAME_BYTES_MAX = 63;
/** How much of the end of a long owner stays: pid, start time and nonce. */
const NAME_TAIL_BYTES = 36;
/** First and largest delay between two attempts to connect, milliseconds. */
const RETRY_BASE_MS = 20;
const RETRY_MAX_MS = 1_000;

/** A dead client is noticed within about ten seconds, whether a statement runs or not; nothing of a session needs to be on a disk. */
const SETTINGS = `SELECT set_config('application_name', $1, false), set_config('statement_timeout', $2, false),
  set_config('idle_session_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false),
  set_config('synchronous_commit', 'off', false), set_config('default_transaction_isolation', 'read committed', false),
  set_config('tcp_keepalives_idle', '5', false),
  set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false),
  set_config('tcp_user_timeout', '10000', false),
  (SELECT (extract(epoch FROM a.backend_start) * 1000000)::bigint::text FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()) AS at`;
/** Refused by servers on platforms that can't tell. */
const CHECK_CLIENT = "SELECT set_config('client_connection_check_interval', '500', false)";
const END_FORMER = `SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
  AND l.pid = $1::integer AND ((l.classid::bigint << 32) | l.objid::bigint) = $2::bigint`;

/**
 * The one connection of this process beside the pool, for what belongs to a session: advisory locks and LISTEN.
 *
 * Opened at first need, verified, and opened anew, with growing pauses, by the next call after it was lost. Statements are done one
 * after the other, and none of them waits for other sessions.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #handle = new Handle();
  readonly #onLost = new Set<() => void>();
  readonly #onNotified = new Set<LinkListener["notified"]>();
  #opening: Promise<OpenSession> | undefined;
  #current: { readonly link: SessionLink; readonly open: OpenSession } | undefined;
  #former: OpenSession | undefined;
  #serial = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Calls back when the connection was lost: what the session held is gone. */
  onLost(listener: () => void): void {
    this.#onLost.add(listener);
  }

  /** Calls back for each notification, whoever sent it. */
  onNotified(listener: LinkListener["notified"]): void {
    this.#onNotified.add(listener);
  }

  /** The backend of the session while it is open. */
  get pid(): number | undefined {
    return this.#current?.open.pid;
  }

  /**
   * The session, opened where it is not. Tries for `busyMs` while the server is away.
   *
   * @throws {@link RunsealError} `lock.pooler_unsupported` when no single backend serves the connection, `store.closed`, and what
   * {@link sqlFailure} makes of the last failure
   */
  async open(call: string): Promise<OpenSession> {
    this.#handle.use(call);
    if (this.#current !== undefined && !this.#current.open.isOver) return this.#current.open;
    this.#opening ??= this.#reopen(call).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Gives a session up, as if it had been lost; one that is over already stays so. */
  lose(open: OpenSession): void {
    if (this.#current?.open === open) this.#current.link.break();
  }

  /** Ends the session; its locks are free at once. Later calls throw `store.closed`. */
  async close(): Promise<void> {
    if (this.#handle.isClosed) return;
    this.#handle.close();
    await this.#opening?.catch(ignore);
    await this.#current?.link.end();
    this.#current = undefined;
  }

  async #reopen(call: string): Promise<OpenSession> {
    const since = systemClock.now();
    for (let tries = 0; ; tries += 1) {
      this.#handle.use(call);
      try {
        return await this.#connect();
      } catch (thrown) {
        const { kind, error } = sqlFailure(thrown, call);
        const isFinal = kind === "final" && !isRunsealError(error, "store.connection_lost");
        if (isFinal || systemClock.now() - since >= this.#options.busyMs) throw error;
        await systemClock.sleep(1 + Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** tries));
      }
    }
  }

  async #connect(): Promise<OpenSession> {
    const found: { link?: SessionLink } = {};
    const link = await this.#link({
      lost: () => this.#lose(found.link),
      notified: (channel, payload, pid) => {
        for (const listener of this.#onNotified) listener(channel, payload, pid);
      },
    });
    found.link = link;
    try {
      const open = await this.#verify(link);
      this.#handle.use("session.open");
      this.#current = { link, open };
      return open;
    } catch (error) {
      await link.end();
      throw error;
    }
  }

  #link(listener: LinkListener): Promise<SessionLink> {
    const { config, busyMs, statementMs } = this.#options;
    return SessionLink.connect(config, { connectMs: busyMs, statementMs }, listener);
  }

  async #verify(link: SessionLink): Promise<OpenSession> {
    const { owner, statementMs, counters } = this.#options;
    const mark = this.#newMark();
    const verdict = await checkForPooler(link, mark, () => this.#link({ lost: ignore, notified: ignore }));
    if ("reason" in verdict) throw poolerError(verdict.reason);
    const { pid } = verdict;
    // only now: behind a pooler the settings would be somebody else's
    const { rows } = await link.query(SETTINGS, [applicationName(owner), String(statementMs)]);
    await link.query(CHECK_CLIENT).catch(ignore);
    const former = this.#former;
    if (former !== undefined) counters?.add("reconnects");
    if (former !== undefined) await link.query(END_FORMER, [former.pid, former.mark]).catch(ignore);
    const startedAt = String(rows[0]?.["at"]);
    const open: OpenSession = {
      pid,
      mark,
      startedAt,
      get isOver() {
        return link.isOver;
      },
      query: (text, values, name) => {
        counters?.add("sessionStatements");
        return link.query(text, values, name);
      },
    };
    this.#former = open;
    return open;
  }

  #lose(link: SessionLink | undefined): void {
    if (link === undefined || this.#current?.link !== link) return;
    this.#current = undefined;
    for (const listener of this.#onLost) listener();
  }

  #newMark(): string {
    this.#serial += 1;
    const nonce = `${Math.random().toString(36)}${Math.random().toString(36)}`;
    const digest = sha256Hex(canonicalize(["runseal/session", this.#options.owner, this.#serial, nonce]));
    return BigInt.asIntN(64, BigInt(`0x${digest.slice(0, 16)}`)).toString();
  }
}

/** The error where a connection is not a session. */
function poolerError(reason: string, options?: ErrorOptions): RunsealError<"lock.pooler_unsupported"> {
  const message = `${reason}; locks and notifications need a session of their own: give a connection past the pooler, or one in session mode`;
  return new RunsealError("lock.pooler_unsupported", message, { reason }, options);
}

/** `runseal/<owner>`; of one that is too long the middle is left out: host first, pid, start time and nonce last. */
export function applicationName(owner: string): string {
  const name = Buffer.from(`runseal/${owner}`);
  if (name.byteLength <= NAME_BYTES_MAX) return name.toString();
  const head = name.subarray(0, NAME_BYTES_MAX - NAME_TAIL_BYTES - 1);
  return `${head.toString()}~${name.subarray(-NAME_TAIL_BYTES).toString()}`;
}

function ignore(): void {
  // what failed here changes nothing: the session is judged by its statements
}
