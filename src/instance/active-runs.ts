import type { RunId } from "../model/ids.js";
import type { DriveEnd } from "../engine/drive-end.js";
import type { DriveSwitch } from "../engine/drive-switch.js";

/** A run that this process is driving. */
export interface ActiveRun {
  readonly end: Promise<DriveEnd>;
  /** Finish what is in flight, hand the lease back. */
  readonly drain: DriveSwitch;
  /** Stop at once. */
  readonly abandon: DriveSwitch;
}

/** The runs that this process is driving, so that it neither drives one twice nor forgets one when it closes. */
export class ActiveRuns {
  readonly #runs = new Map<RunId, ActiveRun>();
  readonly #takers = new Set<() => Promise<void>>();

  get(runId: RunId): ActiveRun | undefined {
    return this.#runs.get(runId);
  }

  /** Runs being driven now. */
  get size(): number {
    return this.#runs.size;
  }

  /** Takes a run in until its drive has ended. */
  add(runId: RunId, run: ActiveRun): void {
    this.#runs.set(runId, run);
    const remove = (): void => {
      this.#runs.delete(runId);
    };
    run.end.then(remove, remove);
  }

  /** Notes who takes runs by themselves, and how they stop; returns what takes the note back. */
  addTaker(stop: () => Promise<void>): () => void {
    this.#takers.add(stop);
    return () => {
      this.#takers.delete(stop);
    };
  }

  /** Lets nobody take another run; settles when the last has stopped. */
  async stopTakers(): Promise<void> {
    await Promise.allSettled([...this.#takers].map((stop) => stop()));
  }

  /** Asks every run to stop at its next boundary and waits for them all. */
  async drain(): Promise<void> {
    const runs = [...this.#runs.values()];
    for (const run of runs) run.drain.abort();
    await Promise.allSettled(runs.map((run) => run.end));
  }

  /** Stops every run at once, writing nothing more, and waits for them all. */
  async abandon(): Promise<void> {
    const runs = [...this.#runs.values()];
    for (const run of runs) run.abandon.abort();
    await Promise.allSettled(runs.map((run) => run.end));
  }
}
