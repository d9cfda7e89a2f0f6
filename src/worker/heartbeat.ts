import type { InstanceParts } from "../instance/parts.js";
import type { WorkerRecord, WorkerRegistry } from "../stores/worker-registry.js";

/** Time between two signs of life, milliseconds. */
const BEAT_MS = 10_000;
/** How long a sign of life lasts: three may be missed. */
const TERM_MS = 35_000;
/** Time between two rounds of the janitor, milliseconds. */
const SWEEP_MS = 60_000;

/** How long leaving may take, milliseconds: a worker that drains does not wait for a store that does not answer. */
const LEAVE_MS = 1_000;

/** Tells the others that a worker lives, and cleans up after those that are gone while this one is the janitor. */
export class Heartbeat {
  readonly #parts: InstanceParts;
  readonly #workers: WorkerRegistry | undefined;
  readonly #record: () => WorkerRecord;
  #timer: { cancel(): void } | undefined;
  #beat: Promise<void> | undefined;
  #sweptAt = -Infinity;
  #isOn = false;

  constructor(parts: InstanceParts, record: () => WorkerRecord) {
    this.#parts = parts;
    this.#workers = parts.stores.workers;
    this.#record = record;
  }

  /** Begins to beat, at once. */
  start(): void {
    if (this.#isOn || this.#workers === undefined) return;
    this.#isOn = true;
    this.#next(this.#workers);
  }

  /** Stops and takes the worker out; a store that does not answer will see it as gone after a while. */
  async stop(): Promise<void> {
    if (!this.#isOn || this.#workers === undefined) return;
    this.#isOn = false;
    this.#timer?.cancel();
    const left = new AbortController();
    const leave = this.#leave(this.#workers).finally(() => left.abort());
    await Promise.race([leave, this.#parts.engine.env.sleep(LEAVE_MS, left.signal)]);
  }

  async #leave(workers: WorkerRegistry): Promise<void> {
    // a sign of life that is under way would put it back
    await this.#beat;
    await this.#try("leave", workers.leave(this.#record().workerId));
  }

  #next(workers: WorkerRegistry): void {
    this.#beat = this.#try("beat", this.#once(workers)).then(() => {
      if (!this.#isOn) return;
      this.#timer = this.#parts.engine.env.schedule(BEAT_MS, () => this.#next(workers));
    });
  }

  async #once(workers: WorkerRegistry): Promise<void> {
    const { isJanitor } = await workers.beat(this.#record(), TERM_MS);
    const now = this.#parts.engine.env.now();
    if (!isJanitor || now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    await workers.sweep();
  }

  /** No run depends on it: what goes wrong is said and left at that. */
  async #try(what: string, call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      const message = `the worker's ${what} failed: ${error instanceof Error ? error.message : "unknown"}`;
      this.#parts.engine.log?.({ runId: "", stepId: "", message, fields: {} });
    }
  }
}
