import type { AnyEvent } from "../model/event.js";
import type { HeldLocks, LockHolder, LockRequest } from "../stores/lock-manager.js";
import type { RecordedEnd, ReplayScript } from "./replay-script.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import { RunsealError } from "../errors/error.js";
import { recordOf } from "../history/run-state.js";

type Contended = Extract<AnyEvent, { kind: "lock.contended" }>;

/** How locks reach whoever conducts the replay. */
export interface LockHooks {
  readonly position: () => number;
  readonly wait: (end: RecordedEnd, release: () => Promise<void>) => void;
  readonly aim: (record: StepRecord, end: RecordedEnd) => unknown;
}

interface Asking {
  readonly grant: (waitedMs: number) => void;
  readonly refuse: (error: unknown) => void;
}

/** Locks as the record tells of them: had, not had, lost. The lock manager of the stores is not asked. */
export class ReplayLocks {
  readonly #script: ReplayScript;
  readonly #state: RunState;
  readonly #hooks: LockHooks;
  readonly #lost = new AbortController();
  /** Positions of late locks that were asked for. */
  readonly #asked = new Set<number>();
  #asking: Asking | undefined;
  #contended: Contended | undefined;

  constructor(script: ReplayScript, state: RunState, hooks: LockHooks) {
    this.#script = script;
    this.#state = state;
    this.#hooks = hooks;
  }

  /** Who the record says was in the way. */
  holder(): LockHolder | undefined {
    const source = SOURCES.find((known) => known === this.#contended?.payload.source);
    return source === undefined ? undefined : { source, runId: null, runbookId: null, holder: null };
  }

  /** Resolves or rejects when the record comes to what became of the locks. */
  acquire(requests: readonly LockRequest[], signal: AbortSignal | undefined): Promise<HeldLocks> {
    return new Promise((resolve, reject) => {
      const asking: Asking = {
        grant: (waitedMs) => resolve({ requests, waitedMs, lost: this.#lost.signal, release: () => Promise.resolve() }),
        refuse: reject,
      };
      const giveUp = (): void => reject(new RunsealError("instance.closed", "the run stopped", { call: "locks.acquire" }));
      signal?.addEventListener("abort", giveUp, { once: true });
      if (signal?.aborted === true) giveUp();
      if (this.#state.isLocked) this.#askLate(requests, asking);
      else this.#asking = asking;
    });
  }

  /** Does what the record has of locks at a position; whether it had anything. */
  follow(position: number): boolean {
    const event = this.#script.events[position];
    const asking = this.#asking;
    if (event?.kind === "lock.lost") {
      const isNews = !this.#lost.signal.aborted;
      this.#lost.abort();
      // lost as they were given: the record has that first
      this.#asking = undefined;
      asking?.grant(0);
      return isNews;
    }
    if (asking === undefined || (event?.kind !== "lock.acquired" && event?.kind !== "lock.contended")) return false;
    this.#asking = undefined;
    if (event.kind === "lock.acquired") asking.grant(event.payload.waitedMs);
    else asking.refuse(this.#contention(event));
    return true;
  }

  /** Late locks are had at once, because the record tells of them with the end of the attempt only; a refusal is that end. */
  #askLate(requests: readonly LockRequest[], asking: Asking): void {
    const at = this.#script.events.findIndex((event, position) => this.#isAbout(event, position, requests));
    const event = this.#script.events[at];
    if (event !== undefined) this.#asked.add(at);
    if (event?.kind !== "lock.contended") {
      asking.grant(event?.kind === "lock.acquired" ? event.payload.waitedMs : 0);
      return;
    }
    const failed = this.#script.events[at + 1];
    const end =
      failed?.kind === "step.failed" ? this.#script.endOf(failed.payload.stepId, failed.payload.attempt, at, "run") : undefined;
    const record = end === undefined ? undefined : recordOf(this.#state, end.event.payload.stepId);
    if (end === undefined || record === undefined) return;
    this.#hooks.wait(end, async () => {
      this.#hooks.aim(record, end);
      asking.refuse(this.#contention(event));
    });
  }

  #isAbout(event: AnyEvent, position: number, requests: readonly LockRequest[]): boolean {
    if (position < this.#hooks.position() || this.#asked.has(position)) return false;
    if (event.kind === "lock.contended") {
      return requests.some(({ kind, id }) => kind === event.payload.kind && id === event.payload.id);
    }
    if (event.kind !== "lock.acquired") return false;
    const names = requests.map(({ access, kind, id }) => `${access} ${kind}:${id}`);
    return names.length === event.payload.locks.length && names.every((name, index) => name === event.payload.locks[index]);
  }

  #contention(event: Contended): RunsealError<"lock.contention"> {
    this.#contended = event;
    const { kind, id, holder, waitedMs } = event.payload;
    return new RunsealError("lock.contention", `the record has ${kind} "${id}" locked`, { kind, id, holder, waitedMs });
  }
}

const SOURCES = ["memory", "sqlite", "pg_locks", "events", "unknown"] as const satisfies readonly LockHolder["source"][];
