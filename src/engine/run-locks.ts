import type { EngineOptions, EngineParts } from "./parts.js";
import type { EntityLock } from "../history/lock-requests.js";
import type { EventDraft } from "../model/event.js";
import type { HeldLocks, LockOwner } from "../stores/lock-manager.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import { isRunsealError, RunsealError } from "../errors/error.js";
import { lockKeyOf, lockRequestsOf } from "../history/lock-requests.js";

type Contended = Extract<EventDraft, { kind: "lock.contended" }>;

/** What came of asking for locks. */
export type Taking =
  | { readonly kind: "taken"; readonly event: EventDraft }
  | { readonly kind: "contended"; readonly contended: Contended }
  | { readonly kind: "refused"; readonly error: RunsealError<"lock.required" | "lock.too_many"> }
  | { readonly kind: "aborted" };

/** How many times `locksMax` entities a run may lock where the store takes many of them in one stripe: their names stand in one event. */
const STRIPED_FACTOR = 10;

/** How often locks are given back again where the store did not answer, with growing pauses: about three minutes. */
const RELEASE_TRIES = 18;
const RELEASE_PAUSE_MS = 1_000;

/** The locks that this process holds for one run: all of the write-set at once, and late ones one by one (decisions 2.9, 3.5). */
export class RunLocks {
  readonly #parts: EngineParts;
  readonly #options: EngineOptions;
  readonly #state: RunState;
  readonly #owner: LockOwner;
  readonly #onLost: () => void;
  #held: HeldLocks[] = [];
  #isOver = false;
  #since = 0;
  #restMs: number;

  constructor(parts: EngineParts, options: EngineOptions, state: RunState, holder: string, onLost: () => void) {
    const { scope, runId, plan } = state;
    this.#parts = parts;
    this.#options = options;
    this.#state = state;
    // a run that asks for a key that it already holds gets it: so a child shares the locks of its root
    this.#owner = { scope, runId: parts.rootRunId ?? runId, runbookId: plan.runbookId, holder };
    this.#onLost = onLost;
    this.#restMs = options.lockDeadlineMs;
  }

  /** Locks what the steps that are left touch, all or nothing. */
  async take(signal: AbortSignal): Promise<Taking> {
    const requests = this.#requests();
    const refused = this.#refusal(requests);
    if (refused !== undefined) return { kind: "refused", error: refused };
    const manager = this.#parts.stores.locks;
    this.#since = this.#parts.env.now();
    this.#restMs = this.#options.lockDeadlineMs;
    if (manager === undefined || requests.length === 0) return { kind: "taken", event: acquired([], 0) };
    return this.#acquire(requests, signal);
  }

  /** Locks entities whose ids were learnt while running, in what is left of the deadline. */
  async takeLate(requests: readonly EntityLock[], signal: AbortSignal): Promise<Exclude<Taking, { kind: "refused" }>> {
    if (this.#parts.stores.locks === undefined) return { kind: "taken", event: acquired([], 0) };
    return this.#acquire(requests, signal);
  }

  /** Gives everything back, also what is granted only now: the drive is over. Goes on trying where the store does not answer. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    this.#isOver = true;
    if (held.length > 0) this.#parts.faultPoint?.("locks.before_release");
    await Promise.all(held.map((locks) => this.#giveBack(locks)));
  }

  async #giveBack(locks: HeldLocks): Promise<void> {
    try {
      await locks.release();
    } catch {
      void this.#giveBackLater(locks);
    }
  }

  /** A lock that stays although its run is over keeps other runs out for as long as this process lives. */
  async #giveBackLater(locks: HeldLocks): Promise<void> {
    for (let tries = 1; tries <= RELEASE_TRIES; tries += 1) {
      await this.#parts.env.sleep(RELEASE_PAUSE_MS * tries);
      try {
        await locks.release();
        return;
      } catch (error) {
        if (isRunsealError(error, "store.closed")) return;
      }
    }
  }

  /** The event that says so; `undefined` when nothing is held. */
  released(): EventDraft | undefined {
    if (this.#held.length === 0) return undefined;
    const locks = this.#held.reduce((sum, held) => sum + held.requests.length, 0);
    return { kind: "lock.released", payload: { locks, heldMs: Math.max(0, this.#parts.env.now() - this.#since) } };
  }

  async #acquire(requests: readonly EntityLock[], signal: AbortSignal): Promise<Exclude<Taking, { kind: "refused" }>> {
    const manager = this.#parts.stores.locks;
    if (manager === undefined || isAborted(signal)) return { kind: "aborted" };
    const { faultPoint } = this.#parts;
    try {
      faultPoint?.("locks.before_take");
      const held = await manager.acquire(requests, { deadlineMs: this.#restMs, owner: this.#owner, signal });
      faultPoint?.(this.#held.length === 0 ? "locks.taken" : "late_locks.taken");
      if (this.#isOver) {
        await this.#giveBack(held);
        return { kind: "aborted" };
      }
      this.#held.push(held);
      this.#restMs = Math.max(0, this.#restMs - held.waitedMs);
      held.lost.addEventListener("abort", this.#onLost, { once: true });
      if (held.lost.aborted) this.#onLost();
      return { kind: "taken", event: acquired(requests.map(lockName), held.waitedMs) };
    } catch (error) {
      if (isRunsealError(error, "lock.contention")) return { kind: "contended", contended: await this.#contended(error) };
      if (isAborted(signal)) return { kind: "aborted" };
      throw error;
    }
  }

  async #contended(error: RunsealError<"lock.contention">): Promise<Contended> {
    const { kind, id, holder, waitedMs } = error.details;
    const found = await this.#parts.stores.locks?.holder(lockKeyOf(this.#state.scope, { kind, id }));
    const source = found?.source ?? "unknown";
    return { kind: "lock.contended", payload: { kind, id, holder: holder ?? found?.runId ?? null, source, waitedMs } };
  }

  #requests(): readonly EntityLock[] {
    const left = this.#state.steps.filter(isLeft);
    const subjects = left.flatMap(({ step }) => [...step.reads, ...step.writes]);
    return lockRequestsOf(this.#state.scope, subjects);
  }

  #refusal(requests: readonly EntityLock[]): RunsealError<"lock.required" | "lock.too_many"> | undefined {
    const { locksMax, isUnlocked } = this.#options;
    const writes = requests.filter((request) => request.access === "write").length;
    const isWriting = writes > 0 || this.#state.steps.some((record) => isLeft(record) && record.step.lateWrites.length > 0);
    if (this.#parts.stores.locks === undefined && isWriting && !isUnlocked) {
      const details = { runbookId: this.#state.plan.runbookId, writeSetSize: writes };
      return new RunsealError("lock.required", "the runbook writes, and these stores have no lock manager", details);
    }
    const most = this.#parts.stores.locks?.stripedAbove === undefined ? locksMax : locksMax * STRIPED_FACTOR;
    if (requests.length <= most) return undefined;
    const message = `the run would take ${requests.length} locks, more than ${most}; split the runbook`;
    return new RunsealError("lock.too_many", message, { locks: requests.length, locksMax: most });
  }
}

function isLeft({ status }: StepRecord): boolean {
  return status !== "completed" && status !== "failed" && status !== "skipped";
}

/** A call, because the answer changes across an await. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function acquired(locks: readonly string[], waitedMs: number): EventDraft {
  return { kind: "lock.acquired", payload: { locks, waitedMs } };
}

/** A lock as people read it: `write account:a-1`. */
function lockName(lock: EntityLock): string {
  return `${lock.access} ${lock.kind}:${lock.id}`;
}
