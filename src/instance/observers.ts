import type { AnyEvent, StoredEvent } from "../model/event.js";
import type { Env } from "../engine/env.js";
import type { RunId, Scope } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { deepFreeze } from "../engine/deep-freeze.js";
import { eventOf } from "../history/read-event.js";
import { outsideStep } from "./phase-guard.js";

/** Somebody who is told of every event of a run that this process has committed. */
export interface Observer {
  /** Tells observers apart in {@link ObserverCounts}; 1 to 100 letters, digits or `_ . : -`. */
  readonly name: string;
  /**
   * Called after the commit, one event at a time and in the order of each run; the next one waits for the promise.
   *
   * Nothing that it does can change a run: what it throws is counted, and so is what takes longer than 10 seconds.
   */
  onEvent(event: AnyEvent, at: { readonly scope: Scope; readonly runId: RunId }): unknown;
}

/** What became of the events for one observer, in this process. */
export interface ObserverCounts {
  readonly name: string;
  /** Taken without complaint. */
  readonly delivered: number;
  /** The observer threw, rejected, or did not come back in time. */
  readonly failed: number;
  /** Never told: the observer was more than a thousand events behind, or the instance was closed. */
  readonly dropped: number;
  /** Still to be told. */
  readonly waiting: number;
}

const QUEUE_MAX = 1_000;
/** How long one event may take before the next one is told. */
const PATIENCE_MS = 10_000;

/** Tells every observer in its own time; nobody waits for any of them. */
export class Observers {
  readonly #queues: readonly ObserverQueue[];

  /**
   * Starts nothing: the first event does.
   *
   * @throws {@link RunsealError} `instance.misconfigured` for a name that is none or is given twice, or an observer without `onEvent`
   */
  constructor(observers: readonly Observer[], env: Env) {
    const names = new Set<string>();
    for (const observer of observers) {
      const { name } = observer;
      const isSound = typeof name === "string" && /^[A-Za-z0-9_.:-]{1,100}$/.test(name) && typeof observer.onEvent === "function";
      if (!isSound || names.has(name)) throw misconfigured();
      names.add(name);
    }
    this.#queues = observers.map((observer) => new ObserverQueue(observer, env));
  }

  /** Whether there is anybody to tell. */
  get isEmpty(): boolean {
    return this.#queues.length === 0;
  }

  /** Puts events of one run into every queue, or counts them where a queue is full. O(events · observers). */
  tell(runId: RunId, events: readonly StoredEvent[]): void {
    for (const stored of events) {
      let event: AnyEvent | undefined;
      // read once, and not before somebody looks
      const read = (): AnyEvent => (event ??= deepFreeze(eventOf(stored)));
      for (const queue of this.#queues) queue.put({ read, at: Object.freeze({ scope: stored.scope, runId }) });
    }
  }

  /** What became of the events so far, in the order in which the observers were given. */
  counts(): readonly ObserverCounts[] {
    return this.#queues.map((queue) => queue.counts());
  }

  /** Resolves when every queue is empty, or was stopped. */
  async drain(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.idle()));
  }

  /** Tells nobody anything any more; what waits is dropped. */
  stop(): void {
    for (const queue of this.#queues) queue.stop();
  }
}

interface Told {
  readonly read: () => AnyEvent;
  readonly at: { readonly scope: Scope; readonly runId: RunId };
}

class ObserverQueue {
  readonly #observer: Observer;
  readonly #env: Env;
  #waiting: Told[] = [];
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  #isStopped = false;
  #working: Promise<void> | undefined;
  /** Ends the wait for an observer that is busy. */
  #giveUp = (): void => undefined;

  constructor(observer: Observer, env: Env) {
    this.#observer = observer;
    this.#env = env;
  }

  put(told: Told): void {
    if (this.#isStopped || this.#waiting.length >= QUEUE_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(told);
    // an observer is not part of the step whose commit it hears of
    this.#working ??= outsideStep(() => this.#work());
  }

  counts(): ObserverCounts {
    const { name } = this.#observer;
    return { name, delivered: this.#delivered, failed: this.#failed, dropped: this.#dropped, waiting: this.#waiting.length };
  }

  idle(): Promise<void> {
    return this.#working ?? Promise.resolve();
  }

  stop(): void {
    this.#isStopped = true;
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#giveUp();
  }

  async #work(): Promise<void> {
    for (;;) {
      // whoever commits goes on first, and again between two events
      await this.#env.breathe();
      const told = this.#waiting.shift();
      if (told === undefined) break;
      await this.#deliver(told);
    }
    this.#working = undefined;
  }

  async #deliver({ read, at }: Told): Promise<void> {
    let answer: unknown;
    try {
      answer = this.#observer.onEvent(read(), at);
    } catch {
      this.#failed += 1;
      return;
    }
    const isPromise = (typeof answer === "object" && answer !== null) || typeof answer === "function";
    if (!isPromise || (await this.#inTime(answer))) this.#delivered += 1;
    else this.#failed += 1;
  }

  #inTime(answer: unknown): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isDelivered: boolean) => () => {
        late.cancel();
        resolve(isDelivered);
      };
      const late = this.#env.schedule(PATIENCE_MS, settle(false));
      this.#giveUp = settle(false);
      Promise.resolve(answer).then(settle(true), settle(false));
    });
  }
}

function misconfigured(): RunsealError<"instance.misconfigured"> {
  const message = "an observer has a name of its own (1 to 100 letters, digits or _.:-) and a function onEvent";
  return new RunsealError("instance.misconfigured", message, { option: "observers" });
}
