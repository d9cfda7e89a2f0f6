import type { Scope } from "../model/ids.js";
import type { HeldLock, LockHolder, LockOwner, LockRequest } from "../stores/lock-manager.js";
import type { LockBlocker, LockTable, LockWish } from "../stores/lock-queue.js";
import type { Scheduled } from "../time/clock.js";
import type { Database } from "./database.js";
import type { AdvisoryRequest, LockKeys } from "./lock-keys.js";
import type { OpenSession, Session } from "./session.js";
import { isRunsealError } from "../errors/error.js";
import { systemClock } from "../time/clock.js";
import { listLocks } from "./lock-admin.js";
import { LocalLocks } from "./local-locks.js";
import { accessOf } from "./lock-keys.js";
import { sqlFailure } from "./postgres-error.js";
import { inSchema } from "./schema-name.js";
import { Statement } from "./statement.js";

/** How often a session that holds locks is asked whether it still lives, milliseconds. */
const HEARTBEAT_MS = 3_000;
/** A holder says who it is a moment after it has the lock: how often, and how long in between, it is asked again. */
const HOLDER_TRIES = 5;
const HOLDER_PAUSE_MS = 4;

const TAKE = `SELECT {{schema}}.take_locks($1, $2, $3, $4::bigint[], $5::boolean[], $6::integer[], $7::json, $8::integer[], $9::bigint[],
  $10::bigint[], $11::text[], $12::text[], $13::text[], $14) AS answer`;
const GIVE = "SELECT {{schema}}.give_locks($1, $2, $3::bigint[], $4::bigint[], $5::boolean[], $6, $7, $8) AS answer";
const HOLDER = "SELECT {{schema}}.lock_holder($1)::text AS answer";
const FORGET = "SELECT {{schema}}.forget_dead_locks()";

/** A grant that the session holds. */
interface Hold {
  readonly session: OpenSession;
  readonly request: AdvisoryRequest;
}

interface TakeAnswer {
  readonly missed: readonly number[];
  readonly holders: readonly (LockHolder | null)[];
  readonly isHeard: boolean;
}

/**
 * Locks of a process as session-level advisory locks of its one session, with a row for each entity that says on whose behalf.
 *
 * PostgreSQL gives a session what it already holds: between the runs of this process its own table decides, before the server is asked.
 */
export class PostgresLockTable implements LockTable {
  readonly #session: Session;
  readonly #database: Database;
  readonly #keys: LockKeys;
  readonly #local = new LocalLocks();
  readonly #holds = new Map<number, Hold>();
  readonly #take: string;
  readonly #give: string;
  readonly #holder: Statement;
  readonly #forget: Statement;
  #giving: { readonly grants: number[]; readonly done: Promise<void> } | undefined;
  #sent: Promise<void> = Promise.resolve();
  #lastOpen: OpenSession | undefined;
  #heardIn: OpenSession | undefined;
  #heartbeat: Scheduled | undefined;
  #isStopped = false;
  /** A waiting request is tried again and again. */
  readonly #asked = new WeakMap<readonly LockRequest[], AdvisoryRequest>();

  /** Tells whether nobody of this process waits any more. */
  isQuiet: () => boolean = () => true;

  constructor(session: Session, database: Database, keys: LockKeys) {
    this.#session = session;
    this.#database = database;
    this.#keys = keys;
    this.#take = inSchema(database.schema, TAKE);
    this.#give = inSchema(database.schema, GIVE);
    this.#holder = new Statement(database.schema, HOLDER);
    this.#forget = new Statement(database.schema, FORGET);
    session.onLost(() => this.#forgetAll());
  }

  async take(grant: number, requests: readonly LockRequest[], owner: LockOwner): Promise<LockBlocker | undefined> {
    return (await this.takeEach([{ grant, requests, owner }]))[0];
  }

  async takeEach(wishes: readonly LockWish[]): Promise<readonly (LockBlocker | undefined)[]> {
    const asked = wishes.map((wish) => {
      const request = this.#advisory(wish.requests, wish.owner);
      return { wish, request, blocker: this.#local.blocker(request, wish.owner) };
    });
    const free = asked.filter(({ blocker }) => blocker === undefined);
    const answers = free.length === 0 ? new Map<Asked, LockBlocker>() : await this.#askServer(free);
    const blockers = asked.map((each) => each.blocker ?? answers.get(each));
    this.#database.counters.add("lockMisses", blockers.filter((blocker) => blocker !== undefined).length);
    return blockers;
  }

  taken(requests: readonly LockRequest[], owner: LockOwner): readonly LockRequest[] {
    return this.#advisory(requests, owner).locks.map((lock) => ({ ...lock.request, key: lock.lock, access: accessOf(lock) }));
  }

  /** Gives a grant back, together with others that are given back while the session is busy. */
  async give(grant: number): Promise<void> {
    if (!this.#holds.has(grant)) return;
    const giving = this.#giving;
    if (giving !== undefined) {
      giving.grants.push(grant);
      return giving.done;
    }
    const grants = [grant];
    const done = this.#sent.then(() => {
      this.#giving = undefined;
      return this.#giveBack(grants);
    });
    this.#giving = { grants, done };
    this.#sent = done.catch(ignore);
    return done;
  }

  async holder(key: string): Promise<LockHolder | undefined> {
    const { rows } = await this.#database.query("locks.holder", this.#holder, [this.#keys.lockOf(key)]);
    return holderIn(rows[0]?.["answer"]);
  }

  async list(scope: Scope): Promise<readonly HeldLock[]> {
    const listed = await listLocks(this.#database);
    return listed
      .filter((each) => each.scope === scope)
      .flatMap(({ runId, runbookId, holder, entities }) =>
        entities.map(({ kind, id, access }) => Object.freeze({ scope, runId, runbookId, holder, kind, id, access })),
      );
  }

  /** Stops looking after the session. */
  stop(): void {
    this.#isStopped = true;
    this.#heartbeat?.cancel();
    this.#heartbeat = undefined;
  }

  /** Takes what is to be had; answers what was not, and why. */
  async #askServer(asked: readonly Asked[]): Promise<Map<Asked, LockBlocker>> {
    const blockers = new Map<Asked, LockBlocker>();
    const { session, answer } = await this.#try(asked);
    const locks = asked.flatMap(({ request }) => request.locks);
    for (const [index, each] of asked.entries()) {
      const place = answer.missed[index] ?? 0;
      if (place > 0) {
        const lock = locks[place - 1];
        if (lock === undefined) continue;
        const told = answer.holders[index];
        const holder = told?.source === "pg_locks" ? told : await this.#lookAgain(lock.lock);
        blockers.set(each, { request: lock.request, holder });
        continue;
      }
      this.#holds.set(each.wish.grant, { session, request: each.request });
      this.#local.add(each.wish.grant, each.request, each.wish.owner);
    }
    if (answer.isHeard) this.#heardIn = session;
    if (!this.#isStopped) this.#heartbeat ??= systemClock.schedule(HEARTBEAT_MS, () => void this.#beat());
    return blockers;
  }

  #advisory(requests: readonly LockRequest[], owner: LockOwner): AdvisoryRequest {
    const known = this.#asked.get(requests);
    if (known !== undefined) return known;
    const made = this.#keys.of(owner.scope, requests);
    this.#asked.set(requests, made);
    return made;
  }

  /** Asks anew on another session where one was lost on the way: whatever it had taken went with it. */
  async #try(asked: readonly Asked[]): Promise<{ readonly session: OpenSession; readonly answer: TakeAnswer }> {
    const since = systemClock.now();
    for (;;) {
      const session = await this.#open("locks.acquire");
      try {
        const { rows } = await session.query(this.#take, this.#values(session, asked), "runseal_take_locks");
        return { session, answer: JSON.parse(String(rows[0]?.["answer"])) as TakeAnswer };
      } catch (thrown) {
        const { kind, error } = sqlFailure(thrown, "locks.acquire");
        // nobody can tell what a canceled statement, or one of another backend, has left behind
        if (isRunsealError(error, "store.canceled") || isRunsealError(error, "lock.pooler_unsupported"))
          this.#session.lose(session);
        const isFinal = kind === "final" && !isRunsealError(error, "store.connection_lost");
        if (isFinal || systemClock.now() - since >= this.#database.busyMs) throw error;
      }
    }
  }

  #values(session: OpenSession, asked: readonly Asked[]): readonly unknown[] {
    const locks = asked.flatMap(({ request }) => request.locks);
    const entities = asked.flatMap(({ wish }, index) => wish.requests.map((request) => ({ request, wish, n: index + 1 })));
    let last = 0;
    const ends = asked.map(({ request }) => (last += request.locks.length));
    const owners = asked.map(({ wish: { grant, owner }, request }, index) => ({
      n: index + 1,
      h: grant,
      c: owner.scope,
      r: owner.runId,
      b: owner.runbookId,
      o: owner.holder,
      x: request.isStriped,
    }));
    return [
      session.pid,
      session.mark,
      session.startedAt,
      locks.map(({ lock }) => lock),
      locks.map(({ isShared }) => isShared),
      ends,
      JSON.stringify(owners),
      entities.map(({ n }) => n),
      entities.map(({ request }) => this.#keys.lockOf(request.key)),
      entities.map(({ request, wish }) => this.#keys.stripeOf(wish.owner.scope, request.key)),
      entities.map(({ request }) => request.access),
      entities.map(({ request }) => readable(request.kind)),
      entities.map(({ request }) => readable(request.id)),
      this.#heardIn === session ? null : this.#keys.waiting,
    ];
  }

  async #giveBack(grants: readonly number[]): Promise<void> {
    const held = grants.flatMap((grant) => {
      const hold = this.#holds.get(grant);
      return hold === undefined ? [] : [{ grant, ...hold }];
    });
    const session = held[0]?.session;
    if (session === undefined || session.isOver) return;
    const locks = held.flatMap(({ request }) => request.locks);
    const isDone = this.#heardIn === session && this.isQuiet();
    const values = [
      session.pid,
      session.mark,
      grants,
      locks.map(({ lock }) => lock),
      locks.map(({ isShared }) => isShared),
      this.#keys.waiting,
      isDone,
      this.#database.schema.channel,
    ];
    try {
      await session.query(this.#give, values, "runseal_give_locks");
    } catch {
      // a session that is gone holds nothing; one that answers with an error may hold anything, so it goes too
      this.#session.lose(session);
      return;
    }
    if (isDone && this.#heardIn === session) this.#heardIn = undefined;
    for (const { grant } of held) {
      this.#holds.delete(grant);
      this.#local.remove(grant);
    }
  }

  async #open(call: string): Promise<OpenSession> {
    const session = await this.#session.open(call);
    if (session !== this.#lastOpen) {
      this.#lastOpen = session;
      await this.#database.query("locks.forget", this.#forget, []);
    }
    return session;
  }

  async #lookAgain(lock: string | undefined): Promise<LockHolder> {
    for (let tries = 0; lock !== undefined && tries < HOLDER_TRIES; tries += 1) {
      const { rows } = await this.#database.query("locks.holder", this.#holder, [lock]);
      const holder = holderIn(rows[0]?.["answer"]);
      if (holder !== undefined && holder.source !== "unknown") return holder;
      await systemClock.sleep(HOLDER_PAUSE_MS);
    }
    return NOBODY_KNOWN;
  }

  /** A connection that was cut without a word is told by a statement that gets no answer. */
  async #beat(): Promise<void> {
    const session = this.#lastOpen;
    if (session !== undefined && !session.isOver) await session.query("SELECT 1", []).catch(ignore);
    if (this.#isStopped) return;
    const isNeeded = this.#holds.size > 0 || !this.isQuiet();
    this.#heartbeat = isNeeded ? systemClock.schedule(HEARTBEAT_MS, () => void this.#beat()) : undefined;
  }

  #forgetAll(): void {
    this.#holds.clear();
    this.#local.clear();
    this.#heardIn = undefined;
  }
}

/** A request on its way to the server. */
interface Asked {
  readonly wish: LockWish;
  readonly request: AdvisoryRequest;
  readonly blocker: LockBlocker | undefined;
}

const NOBODY_KNOWN: LockHolder = Object.freeze({ source: "unknown", runId: null, runbookId: null, holder: null });

/** What people read of a name: the key is made of the name itself, NUL and all, which no text column keeps. */
function readable(name: string): string {
  return name.replaceAll("\0", "\u2400");
}

function holderIn(answer: unknown): LockHolder | undefined {
  return typeof answer === "string" ? (JSON.parse(answer) as LockHolder) : undefined;
}

function ignore(): void {
  // told to whoever waits for it, and by the loss of the session
}
