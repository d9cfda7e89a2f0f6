import { setTimeout as later } from "node:timers/promises";
import type { BuiltProcess, Spawned } from "../kill/built-process.js";
import type { WorkerConfig } from "./worker-config.js";
import { until } from "../kill/until.js";

/** One place of the fleet, and the process that fills it now. */
interface Place {
  readonly index: number;
  generation: number;
  process: Spawned;
  /** Frozen and, for now, not to be killed. */
  isFrozen: boolean;
}

/** Workers as processes of their own, always the same number of them: who dies is replaced. */
export class Fleet {
  readonly #startUpsMs: number[] = [];
  readonly #built: BuiltProcess;
  readonly #config: Omit<WorkerConfig, "name">;
  readonly #places: Place[] = [];
  readonly #said: string[] = [];
  #isEnding = false;

  constructor(built: BuiltProcess, config: Omit<WorkerConfig, "name">) {
    this.#built = built;
    this.#config = config;
  }

  /** Median time from starting a process to its first word, milliseconds. */
  get startUpMs(): number {
    const sorted = [...this.#startUpsMs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  }

  /** What workers that ended by themselves had to say: nobody should. */
  get accidents(): readonly string[] {
    return this.#said;
  }

  async start(workers: number): Promise<void> {
    for (let index = 0; index < workers; index += 1) {
      const place: Place = { index, generation: 0, process: this.#spawn(index, 0), isFrozen: false };
      this.#places.push(place);
    }
    await Promise.all(this.#places.map(async ({ process }) => until(() => process.said().includes("ready"))));
  }

  /** Kills a random worker that is up, -9, and starts another in its place. */
  async killOne(): Promise<void> {
    const place = this.#pick();
    if (place === undefined) return;
    place.process.child.kill("SIGKILL");
    await place.process.end;
    this.#refill(place);
  }

  /** Stops a random worker in the middle of whatever it does, for a time; then it goes on as if nothing had been. */
  async freezeOne(forMs: number): Promise<void> {
    const place = this.#pick();
    if (place === undefined) return;
    const { child } = place.process;
    place.isFrozen = true;
    child.kill("SIGSTOP");
    await later(forMs);
    child.kill("SIGCONT");
    place.isFrozen = false;
  }

  /** Ends every worker in order (SIGTERM). */
  async drain(): Promise<readonly { readonly code: number | null; readonly text: string }[]> {
    this.#isEnding = true;
    await Promise.all(this.#places.map(async ({ process }) => until(() => process.said().includes("ready"))));
    for (const { process } of this.#places) process.child.kill("SIGTERM");
    return Promise.all(this.#places.map(({ process }) => process.end));
  }

  /** Ends every worker at once, whatever it does. */
  async abandon(): Promise<void> {
    this.#isEnding = true;
    for (const { process } of this.#places) process.child.kill("SIGKILL");
    await Promise.all(this.#places.map(({ process }) => process.end));
  }

  #pick(): Place | undefined {
    const up = this.#places.filter(({ process, isFrozen }) => !isFrozen && process.said().includes("ready"));
    return up[Math.floor(Math.random() * up.length)];
  }

  #refill(place: Place): void {
    if (this.#isEnding) return;
    place.generation += 1;
    place.process = this.#spawn(place.index, place.generation);
  }

  #spawn(index: number, generation: number): Spawned {
    const name = `w${index}-${generation}`;
    const startedAt = performance.now();
    const process = this.#built.start([JSON.stringify({ ...this.#config, name } satisfies WorkerConfig)], [], 0);
    process.child.stdout?.once("data", () => {
      this.#startUpsMs.push(performance.now() - startedAt);
    });
    void process.end.then(({ code, signal, text }) => {
      if (this.#isEnding || signal === "SIGKILL") return;
      this.#said.push(`${name} ended with ${String(code ?? signal)}: ${text.slice(-2_000)}`);
      const place = this.#places[index];
      if (place !== undefined) this.#refill(place);
    });
    return process;
  }
}
