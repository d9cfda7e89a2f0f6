import type { Access } from "../model/schema-description.js";
import type { HeldLock, HeldLocks, LockHolder, LockManager, LockOwner, LockRequest } from "./lock-manager.js";
import type { Scope } from "../model/ids.js";
import type { Clock, Scheduled } from "../time/clock.js";
import { RunsealError } from "../errors/error.js";

/** The first entity that could not be had, and who has it. */
export interface LockBlocker {
  readonly request: LockRequest;
  readonly holder: LockHolder;
}

/** What one grant would take. */
export interface LockWish {
  readonly grant: number;
  readonly requests: readonly LockRequest[];
  readonly owner: LockOwner;
}

/** Where locks are written down: the part of a lock manager that differs between stores. */
export interface LockTable {
  /** Takes all or none for one grant. A row of the same run never blocks; rows of gone processes are dead. */
  take(grant: number, requests: readonly LockRequest[], owner: LockOwner): Promise<LockBlocker | undefined>;
  /**
   * Takes all or none for each of several grants, none of which stands in another's way: a table that is far away answers them
   * together. Answers in their order. Absent: they are taken one after the other.
   */
  takeEach?(wishes: readonly LockWish[]): Promise<readonly (LockBlocker | undefined)[]>;
  /** What a request comes down to where that is not its own keys; each names an entity that was asked for. Decides who waits for whom. */
  taken?(requests: readonly LockRequest[], owner: LockOwner): readonly LockRequest[];
  /** Gives everything of a grant back. */
  give(grant: number): Promise<void>;
  holder(key: string): Promise<LockHolder | undefined>;
  /** What is held in a scope, without rows that are dead, in any order. */
  list(scope: Scope): Promise<readonly HeldLock[]>;
}

interface Waiter {
  readonly requests: readonly LockRequest[];
  /** What is really taken, and how, by key. */
  readonly taken: readonly LockRequest[];
  readonly accesses: ReadonlyMap<string, Access>;
  readonly owner: LockOwner;
  readonly since: number;
  readonly deadlineAt: number;
  readonly resolve: (locks: HeldLocks) => void;
  readonly reject: (reason: unknown) => void;
  blocker: LockBlocker | undefined;
  isSettled: boolean;
}

interface Grant {
  readonly run: string;
  readonly lost: AbortController;
}

/** Tuning of a queue. */
export interface LockQueueOptions {
  readonly table: LockTable;
  readonly clock: Clock;
  /** Delay until the table is asked again although nothing in this process changed; absent = others can't change it unseen. */
  readonly pollMs?: () => number;
}

/**
 * A lock manager over a {@link LockTable}: waiting, deadlines, and first come, first served inside the process.
 *
 * A request waits behind every earlier one that it can't stand beside, so that a crowd of readers never starves a writer. Only a run
 * that holds something already goes ahead: those before it may be waiting for just that, and neither would ever go on.
 */
export class LockQueue implements LockManager {
  readonly #table: LockTable;
  readonly #clock: Clock;
  readonly #pollMs: (() => number) | undefined;
  #waiting: Waiter[] = [];
  readonly #grants = new Map<number, Grant>();
  #lastGrant = 0;
  #pumping: Promise<void> | undefined;
  #again = false;
  #timer: Scheduled | undefined;

  constructor(options: LockQueueOptions) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#pollMs = options.pollMs;
  }

  async acquire(
    requests: readonly LockRequest[],
    options: { readonly deadlineMs: number; readonly owner: LockOwner; readonly signal?: AbortSignal },
  ): Promise<HeldLocks> {
    const { owner, signal } = options;
    signal?.throwIfAborted();
    const since = this.#clock.now();
    const deadlineAt = since + options.deadlineMs;
    let abort = (): void => undefined;
    const waiting = new Promise<HeldLocks>((resolve, reject) => {
      const taken = this.#table.taken?.(requests, owner) ?? requests;
      const accesses = new Map(taken.map(({ key, access }) => [key, access]));
      const settling = { resolve, reject, blocker: undefined, isSettled: false };
      const waiter: Waiter = { requests, taken, accesses, owner, since, deadlineAt, ...settling };
      this.#waiting.push(waiter);
      abort = () => this.#settle(waiter, () => waiter.reject(signal?.reason));
    });
    signal?.addEventListener("abort", abort, { once: true });
    this.wake();
    try {
      return await waiting;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async list(scope: Scope): Promise<readonly HeldLock[]> {
    return [...(await this.#table.list(scope))].sort(
      (a, b) => compare(a.kind, b.kind) || compare(a.id, b.id) || compare(a.runId, b.runId),
    );
  }

  async holder(key: string): Promise<LockHolder | undefined> {
    return this.#table.holder(key);
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Looks at the table again: something was given back, here or elsewhere. */
  wake(): void {
    this.#again = true;
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined;
      if (this.#again) this.wake();
    });
  }

  /** Tells every holder that its locks can no longer be relied on. */
  lose(): void {
    for (const grant of this.#grants.values()) grant.lost.abort();
    this.#grants.clear();
  }

  /** Rejects everybody who waits: the store is closing. */
  close(reason: unknown): void {
    for (const waiter of [...this.#waiting]) this.#settle(waiter, () => waiter.reject(reason));
    this.lose();
    this.#timer?.cancel();
  }

  async #pump(): Promise<void> {
    // those who ask in the same turn are answered together
    if (this.#table.takeEach !== undefined) await Promise.resolve();
    while (this.#again) {
      this.#again = false;
      this.#timer?.cancel();
      await this.#attemptAll();
    }
    this.#scheduleNext();
  }

  /** Attempts everybody once: those at the same time whom nobody before them, of whom nothing is known yet, stands in the way of. */
  async #attemptAll(): Promise<void> {
    let left: readonly Waiter[] = [...this.#waiting];
    while (left.length > 0) {
      const front: Waiter[] = [];
      const behind: Waiter[] = [];
      for (const [index, waiter] of left.entries()) {
        const blocking = left.find((earlier, place) => place >= index || clash(waiter, earlier) !== undefined);
        (blocking === waiter ? front : behind).push(waiter);
      }
      await this.#attempt(front);
      left = behind;
    }
  }

  async #attempt(front: readonly Waiter[]): Promise<void> {
    const waiters = front.filter((waiter) => !waiter.isSettled);
    const last = new Set(waiters.filter((waiter) => this.#clock.now() >= waiter.deadlineAt));
    const next: Waiter[] = [];
    for (const waiter of waiters) {
      waiter.blocker = this.#blockedByEarlier(waiter);
      if (waiter.blocker === undefined) next.push(waiter);
    }
    await this.#takeEach(next);
    for (const waiter of last) this.#settle(waiter, () => waiter.reject(this.#contention(waiter)));
  }

  async #takeEach(waiters: readonly Waiter[]): Promise<void> {
    if (waiters.length === 0) return;
    const wishes = waiters.map((waiter) => ({ waiter, grant: (this.#lastGrant += 1) }));
    if (this.#table.takeEach === undefined) {
      for (const { waiter, grant } of wishes) {
        const answer = (): Promise<LockBlocker | undefined> => this.#table.take(grant, waiter.requests, waiter.owner);
        if (!waiter.isSettled) await this.#take([{ waiter, grant }], async () => [await answer()]);
      }
      return;
    }
    const asked = wishes.map(({ waiter, grant }) => ({ grant, requests: waiter.requests, owner: waiter.owner }));
    await this.#take(wishes, async () => (await this.#table.takeEach?.(asked)) ?? []);
  }

  async #take(
    wishes: readonly { readonly waiter: Waiter; readonly grant: number }[],
    answer: () => Promise<readonly (LockBlocker | undefined)[]>,
  ): Promise<void> {
    let blockers: readonly (LockBlocker | undefined)[];
    try {
      blockers = await answer();
    } catch (error) {
      for (const { waiter } of wishes) this.#settle(waiter, () => waiter.reject(error));
      return;
    }
    for (const [index, { waiter, grant }] of wishes.entries()) {
      waiter.blocker = blockers[index];
      if (waiter.blocker === undefined) await this.#grant(waiter, grant);
    }
  }

  async #grant(waiter: Waiter, grant: number): Promise<void> {
    if (waiter.isSettled) {
      await this.#table.give(grant);
      return;
    }
    const lost = new AbortController();
    this.#grants.set(grant, { run: runOf(waiter.owner), lost });
    const waitedMs = this.#clock.now() - waiter.since;
    const held = { requests: waiter.requests, waitedMs, lost: lost.signal, release: () => this.#release(grant) };
    this.#settle(waiter, () => waiter.resolve(held));
  }

  async #release(grant: number): Promise<void> {
    const held = this.#grants.get(grant);
    if (held === undefined) return;
    this.#grants.delete(grant);
    try {
      await this.#table.give(grant);
    } catch (error) {
      this.#grants.set(grant, held);
      throw error;
    }
    this.wake();
  }

  #blockedByEarlier(waiter: Waiter): LockBlocker | undefined {
    const run = runOf(waiter.owner);
    if (this.#holdsAny(run)) return undefined;
    for (const earlier of this.#waiting) {
      if (earlier === waiter) return undefined;
      if (runOf(earlier.owner) === run) continue;
      const blocker = clash(waiter, earlier);
      if (blocker !== undefined) return blocker;
    }
    return undefined;
  }

  #holdsAny(run: string): boolean {
    return [...this.#grants.values()].some((grant) => grant.run === run);
  }

  #settle(waiter: Waiter, settle: () => void): void {
    if (waiter.isSettled) return;
    waiter.isSettled = true;
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    settle();
  }

  #contention(waiter: Waiter): RunsealError<"lock.contention"> {
    const waitedMs = this.#clock.now() - waiter.since;
    const { kind, id } = waiter.blocker?.request ?? { kind: "", id: "" };
    const holder = waiter.blocker?.holder.runId ?? null;
    const whose = holder === null ? "someone" : `run "${holder}"`;
    const message = `"${kind}" "${id}" is locked by ${whose}, after waiting ${waitedMs} ms; try again later, or let that run end`;
    return new RunsealError("lock.contention", message, { kind, id, holder, waitedMs });
  }

  #scheduleNext(): void {
    if (this.#waiting.length === 0) return;
    const now = this.#clock.now();
    const toDeadline = Math.min(...this.#waiting.map((waiter) => waiter.deadlineAt)) - now;
    const ms = Math.max(0, Math.min(toDeadline, this.#pollMs?.() ?? toDeadline));
    this.#timer = this.#clock.schedule(ms, () => this.wake());
  }
}

function runOf(owner: LockOwner): string {
  return `${owner.scope}\n${owner.runId}`;
}

function clash(waiter: Waiter, earlier: Waiter): LockBlocker | undefined {
  const request = waiter.taken.find(({ key, access }) => {
    const other = earlier.accesses.get(key);
    return other === "write" || (other !== undefined && access === "write");
  });
  if (request === undefined) return undefined;
  return earlier.blocker ?? { request, holder: { source: "unknown", runId: null, runbookId: null, holder: null } };
}

/** Whether a held lock keeps another run from a request for the same key. */
export function locksClash(held: LockRequest, wanted: LockRequest): boolean {
  return held.access === "write" || wanted.access === "write";
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
