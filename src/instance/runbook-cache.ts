import type { Runbook } from "../model/runbook.js";
import type { RunbookId, Scope } from "../model/ids.js";

/** Runbooks kept at a time. */
const RUNBOOKS_MAX = 256;
/** Steps kept at a time, over all runbooks: bounds the memory where plans are large. */
const STEPS_MAX = 20_000;

/**
 * Sealed runbooks that a worker has read before: what an id names never changes. The least recently used goes first.
 *
 * What is kept was checked against its id when it was read. A document that was stored later under the same id is not seen; nothing
 * that runs depends on it.
 */
export class RunbookCache {
  readonly #runbooks = new Map<string, Runbook>();
  #steps = 0;

  get(scope: Scope, id: RunbookId): Runbook | undefined {
    const key = keyOf(scope, id);
    const runbook = this.#runbooks.get(key);
    if (runbook === undefined) return undefined;
    this.#runbooks.delete(key);
    this.#runbooks.set(key, runbook);
    return runbook;
  }

  /** Keeps a runbook that was read from the store. */
  keep(scope: Scope, runbook: Runbook): void {
    const key = keyOf(scope, runbook.id);
    this.#drop(key);
    if (runbook.steps.length > STEPS_MAX) return;
    this.#runbooks.set(key, runbook);
    this.#steps += runbook.steps.length;
    for (const oldest of this.#runbooks.keys()) {
      if (this.#runbooks.size <= RUNBOOKS_MAX && this.#steps <= STEPS_MAX) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#steps -= this.#runbooks.get(key)?.steps.length ?? 0;
    this.#runbooks.delete(key);
  }
}

function keyOf(scope: Scope, id: RunbookId): string {
  return `${id} ${scope}`;
}
