import type { Clock, Scheduled } from "../../time/clock.js";
import type { StoreCall } from "../intercept-stores.js";
import type { SimFault } from "./sim-plan.js";
import { RunsealError } from "../../errors/error.js";
import { SeededRandom } from "../seeded-random.js";

/** What an operation is called in the trace: a store call, or something in the outside world. */
export type OperationName = StoreCall | "outside" | "breathe";

/** A process as far as the clockwork goes: what it asked for is not carried out while it is dead or frozen. */
export interface Patient {
  readonly name: string;
  readonly isAlive: boolean;
  readonly isFrozen: boolean;
  /** Runs `tell` now, when the process thaws, or never. */
  deliver(tell: () => void): void;
}

interface Operation {
  readonly patient: Patient;
  readonly name: OperationName;
  readonly start: (fault: SimFault | undefined) => void;
  readonly delay: (untilMs: number) => void;
  notBefore: number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  /** `null`: of the world itself. */
  readonly patient: Patient | null;
  readonly call: () => void;
}

/**
 * Owns time and every operation of a simulation: nothing happens until it is picked here, one thing at a time, by chance that a seed
 * repeats.
 */
export class Clockwork {
  readonly #random: SeededRandom;
  #slowness: number;
  #now = 1_767_225_600_000;
  #order = 0;
  #operations: Operation[] = [];
  #timers: Timer[] = [];
  #trace = 0x811c9dc5;
  #trace2 = 0x01000193;
  #fault: { readonly mode: SimFault; readonly ms: number } | undefined;

  constructor(seed: number, slowness: number) {
    this.#random = new SeededRandom(seed ^ 0x5bd1e995);
    this.#slowness = slowness;
  }

  /** The true time, milliseconds since the epoch. */
  now(): number {
    return this.#now;
  }

  /** A digest of everything that was picked and noted so far. */
  get trace(): string {
    return [this.#trace, this.#trace2].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Writes a line into the trace. */
  note(line: string): void {
    for (let index = 0; index < line.length; index += 1) {
      this.#trace = Math.imul(this.#trace ^ line.charCodeAt(index), 0x01000193);
      this.#trace2 = Math.imul(this.#trace2 ^ (line.charCodeAt(index) + index), 0x85ebca6b);
    }
  }

  /** The store call that is picked next goes wrong. */
  plan(fault: { readonly mode: SimFault; readonly ms: number }): void {
    this.#fault = fault;
  }

  /** From now on the store is fast and does not fail. */
  calm(): void {
    this.#fault = undefined;
    this.#slowness = 0;
  }

  /** Asks for something to be done; it is done when it is picked. */
  perform<T>(patient: Patient, name: OperationName, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      const operation: Operation = {
        patient,
        name,
        notBefore: 0,
        start: (fault) => {
          const answer = carryOut(name, call, fault);
          const tell = (): void => patient.deliver(() => resolve(answer));
          answer.then(tell, tell);
        },
        delay: (untilMs) => {
          operation.notBefore = untilMs;
          this.#operations.push(operation);
        },
      };
      this.#operations.push(operation);
    });
  }

  /** Calls back after a while of true time, unless the process is dead by then; a frozen one hears when it thaws. */
  schedule(patient: Patient | null, ms: number, call: () => void): Scheduled {
    this.#order += 1;
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order, patient, call };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** The clock of the stores. */
  clock(): Clock {
    return {
      now: () => this.#now,
      schedule: (ms, call) => this.schedule(null, ms, call),
      sleep: (ms) =>
        new Promise((resolve) => {
          this.schedule(null, ms, resolve);
        }),
    };
  }

  /** Picks what happens next, and lets it happen; false when there is nothing. */
  step(): boolean {
    const ready = this.#operations.filter(
      ({ patient, notBefore }) => patient.isAlive && !patient.isFrozen && notBefore <= this.#now,
    );
    if (ready.length > 0 && !this.#random.chance(this.#slowness)) {
      this.#start(this.#random.pick(ready));
      return true;
    }
    return this.#pass() || (ready.length > 0 && this.#startAny(ready));
  }

  /** Forgets what a dead process asked for. */
  forget(patient: Patient): void {
    this.#operations = this.#operations.filter((operation) => operation.patient !== patient);
    this.#timers = this.#timers.filter((timer) => timer.patient !== patient);
  }

  #startAny(ready: readonly Operation[]): boolean {
    this.#start(this.#random.pick(ready));
    return true;
  }

  #start(operation: Operation): void {
    this.#operations = this.#operations.filter((other) => other !== operation);
    const { patient, name } = operation;
    const fault = name === "breathe" ? undefined : this.#fault;
    if (fault !== undefined) this.#fault = undefined;
    this.note(`${patient.name} ${name} ${fault?.mode ?? ""}`);
    if (fault?.mode === "delay") operation.delay(this.#now + fault.ms);
    else operation.start(fault?.mode);
  }

  /** Lets time go on to the next moment at which something is due. */
  #pass(): boolean {
    const awake = this.#timers.filter(({ patient }) => patient === null || (patient.isAlive && !patient.isFrozen));
    const held = this.#operations.filter(
      ({ patient, notBefore }) => patient.isAlive && !patient.isFrozen && notBefore > this.#now,
    );
    let next: Timer | undefined;
    for (const timer of awake) if (next === undefined || isSooner(timer, next)) next = timer;
    const heldAt = held.reduce((least, { notBefore }) => Math.min(least, notBefore), Number.POSITIVE_INFINITY);
    if (next === undefined || heldAt < next.at) {
      if (heldAt === Number.POSITIVE_INFINITY) return false;
      this.#now = Math.max(this.#now, heldAt);
      return true;
    }
    this.#timers = this.#timers.filter((other) => other !== next);
    this.#now = Math.max(this.#now, next.at);
    this.note(`${next.patient?.name ?? "world"} at ${this.#now}`);
    next.call();
    return true;
  }
}

function isSooner(a: Timer, b: Timer): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

async function carryOut<T>(name: OperationName, call: () => Promise<T>, fault: SimFault | undefined): Promise<T> {
  if (fault === "before") throw lost(name, "nothing was done");
  const value = await call();
  if (fault === "after") {
    await endSession(value);
    throw lost(name, "it was done, and the answer was lost");
  }
  // sessions and the outside are not sent again by a driver
  return fault === "duplicate" && name !== "locks.acquire" && name !== "outside" ? call() : value;
}

async function endSession(answer: unknown): Promise<void> {
  if (hasRelease(answer)) await answer.release();
}

function hasRelease(answer: unknown): answer is { release(): Promise<void> } {
  return typeof answer === "object" && answer !== null && "release" in answer;
}

function lost(call: string, what: string): RunsealError<"store.failed"> {
  return new RunsealError("store.failed", `"${call}" failed as simulated: ${what}`, { call });
}
