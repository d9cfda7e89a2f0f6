import { setTimeout as later } from "node:timers/promises";
import type { Transaction } from "./list-append.js";
import type { World } from "./world.js";

/** Reads streams at random while others write them. */
export class RandomReads {
  readonly reads: Transaction[] = [];
  readonly #world: World;
  readonly #schema: string;
  readonly #runIds: () => readonly string[];
  #isOver = false;
  #work: Promise<void> | undefined;

  constructor(world: World, schema: string, runIds: () => readonly string[]) {
    this.#world = world;
    this.#schema = schema;
    this.#runIds = runIds;
  }

  start(): void {
    this.#work = this.#readAll();
    // told by `stop`
    this.#work.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #readAll(): Promise<void> {
    while (!this.#isOver) {
      await later(40);
      // those that were begun last are being written
      const recent = this.#runIds().slice(-30);
      const runId = recent[Math.floor(Math.random() * recent.length)];
      if (runId === undefined) continue;
      const key = `run/${runId}`;
      const list = (await this.#world.streams(this.#schema, key)).get(key) ?? [];
      this.reads.push({ id: `read#${this.reads.length}`, outcome: "ok", ops: [{ kind: "read", key, list }] });
    }
  }
}
