import type { AnyEvent } from "../model/event.js";
import type { DriveSignal } from "./drive-end.js";
import type { HeldLocks, LockHolder, LockRequest } from "../stores/lock-manager.js";
import type { InboxEntry } from "../stores/inbox.js";
import type { Recall } from "./parts.js";
import type { RecordedEnd, ReplayScript } from "./replay-script.js";
import type { ReplayScore } from "./replay-world.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import { ReplayClock } from "./replay-clock.js";
import { ReplayLocks } from "./replay-locks.js";
import { cancelMessage, pauseMessage } from "./inbox-message.js";
import { isSameMoment } from "../history/compare.js";
import { keyOf } from "./replay-script.js";
import { recalledOutcome } from "./replay-recall.js";

/** Turns without news after which the loop has nothing left to do. */
const IDLE_TURNS_MAX = 8;

/** An attempt that ends when it is its turn. */
interface Waiting {
  readonly end: RecordedEnd;
  /** Lets it end; resolves when it has. */
  readonly release: () => Promise<void>;
}

/**
 * Conducts the loop through one claim of a recorded run: what came from outside comes again, in the order and at the place where the
 * record has it, and everything in between is up to the loop.
 *
 * The loop asks for messages before each turn; that is where it is held until what comes next in the record is there.
 */
export class ReplayDrive implements ReplayScore {
  /** What the loop came to. */
  readonly events: AnyEvent[] = [];
  /** Aborted when the record has come to its end, or the loop can't follow it any further. */
  readonly abandon = new AbortController();
  readonly drain: DriveSignal;
  readonly clock: ReplayClock;
  readonly #script: ReplayScript;
  readonly #state: RunState;
  readonly #base: number;
  readonly #breathe: () => Promise<void>;
  readonly #locks: ReplayLocks;
  readonly #waiting = new Map<number, Waiting>();
  readonly #late = new Map<string, () => void>();
  #hint: () => void = nothing;
  #isBroken = false;
  #isStuck = false;
  #idle = 0;
  #lastPosition = -1;

  /** @param state - at the claim; the loop moves it on */
  constructor(script: ReplayScript, state: RunState, breathe: () => Promise<void>) {
    this.#script = script;
    this.#state = state;
    this.#base = state.seq;
    this.#breathe = breathe;
    this.clock = new ReplayClock(script, state, () => this.position);
    this.#locks = new ReplayLocks(script, state, {
      position: () => this.position,
      wait: (end, release) => this.wait(end, release),
      aim: (record, end) => this.clock.aim(record, end),
    });
    this.drain = holdSignal(() => this.#isHeld());
  }

  /** Position in the script of what the loop comes to next. */
  get position(): number {
    return this.#state.seq - this.#base;
  }

  /** Whether the loop stopped where the record goes on. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  now(): number {
    return this.clock.now();
  }

  random(): number {
    return this.clock.random();
  }

  listen(hint: () => void): void {
    this.#hint = hint;
  }

  committed(events: readonly AnyEvent[]): void {
    for (const event of events) {
      const expected = this.#script.events[this.events.length];
      this.#isBroken ||= expected === undefined || !isSameMoment(expected, event);
      this.events.push(event);
    }
  }

  acquire(requests: readonly LockRequest[], signal: AbortSignal | undefined): Promise<HeldLocks> {
    return this.#locks.acquire(requests, signal);
  }

  holder(): LockHolder | undefined {
    return this.#locks.holder();
  }

  /** Lets an attempt end when the record has come to where it did. */
  wait(end: RecordedEnd, release: () => Promise<void>): void {
    this.#waiting.set(end.from, { end, release });
  }

  /** Answers an attempt from its recorded end; without one it lasts until the run stops. */
  recall(record: StepRecord, end: RecordedEnd | undefined): Recall {
    return (ended, onLate) =>
      new Promise((resolve) => {
        ended.addEventListener("abort", () => resolve(undefined), { once: true });
        if (ended.aborted) resolve(undefined);
        if (end === undefined) return;
        this.#late.set(keyOf(record.step.id, record.attempt), onLate);
        this.wait(end, async () => resolve(recalledOutcome(record, end, this.clock.aim(record, end))));
      });
  }

  async turn(): Promise<readonly InboxEntry[]> {
    // every turn is one to look for messages in: that is how the loop is led
    this.#hint();
    if (this.#isBroken || this.events.length >= this.#script.events.length) {
      this.abandon.abort();
      return [];
    }
    const before = this.position;
    const fresh: InboxEntry[] = [];
    let at = before;
    for (let message = this.#messageAt(at); message !== undefined; message = this.#messageAt(at)) {
      fresh.push(message);
      at += 1;
    }
    const after = await this.#release(at);
    await this.#watch(before, after > at || this.#locks.follow(this.position));
    return [...fresh, ...this.#demandsAt(after)];
  }

  #messageAt(position: number): InboxEntry | undefined {
    return this.#script.messageAt(position, this.#state.scope, this.#state.runId);
  }

  /** Ends, one after the other, every attempt whose recorded end comes next; returns where the record goes on after them. */
  async #release(from: number): Promise<number> {
    let at = from;
    for (;;) {
      const waiting = this.#waiting.get(at);
      const late = waiting === undefined ? this.#lateAt(at) : undefined;
      if (waiting === undefined && late === undefined) return at;
      this.#waiting.delete(at);
      await waiting?.release();
      late?.();
      await this.#breathe();
      this.clock.release();
      at = waiting?.end.to ?? at + 1;
    }
  }

  #lateAt(position: number): (() => void) | undefined {
    const event = this.#script.events[position];
    if (event?.kind !== "step.fenced" || event.payload.reason !== "timeout") return undefined;
    const key = keyOf(event.payload.stepId, event.payload.attempt);
    const late = this.#late.get(key);
    this.#late.delete(key);
    return late;
  }

  /** What somebody asks of the run that no event says yet, but that the next one follows from. */
  #demandsAt(position: number): readonly InboxEntry[] {
    const { scope, runId } = this.#state;
    const cancel = this.#script.cancelAt(position);
    const pause = this.#script.pauseAt(position);
    return [
      ...(cancel === undefined ? [] : [cancelMessage(scope, runId, cancel)]),
      ...(pause === undefined ? [] : [pauseMessage(scope, runId, { by: pause.by, nonce: `replay:${position}` })]),
    ];
  }

  /** Gives up when turn after turn brings nothing. */
  async #watch(position: number, isNews: boolean): Promise<void> {
    this.#idle = isNews || position !== this.#lastPosition ? 0 : this.#idle + 1;
    this.#lastPosition = position;
    if (this.#idle === 0) return;
    await this.#breathe();
    if (this.#idle < IDLE_TURNS_MAX) return;
    this.#isStuck = true;
    this.abandon.abort();
  }

  /** Nothing new is started while the record waits for what is in flight: when a start became possible is not looked at. */
  #isHeld(): boolean {
    const { position } = this;
    if (this.#script.isHandedOver(position)) return true;
    if (this.#state.inFlight.size === 0) return false;
    return position >= this.#script.events.length || this.#script.isInput(position, this.#state);
  }
}

function holdSignal(isHeld: () => boolean): DriveSignal {
  return {
    get aborted() {
      return isHeld();
    },
    addEventListener: nothing,
    removeEventListener: nothing,
  };
}

function nothing(): void {
  // nobody listens
}
