import type { FoundRun } from "../instance/find-runbook.js";
import type { RunLimit } from "../stores/event-store.js";
import { labelText } from "../stores/binding-limits.js";

/**
 * The places that this worker itself takes up under its ceilings, so that it does not ask for more at once than there can be.
 *
 * Only a saving: what the other workers take up is known to the store, which decides.
 */
export class OwnRoom {
  readonly #limits: readonly RunLimit[];
  readonly #taken = new Map<string, number>();

  constructor(limits: readonly RunLimit[]) {
    this.#limits = limits;
  }

  /** The limits that bear on a run; `undefined` without any. */
  limitsOf(head: FoundRun): readonly RunLimit[] | undefined {
    const limits = this.#limits.filter(({ queue }) => queue === head.run.queue);
    return limits.length === 0 ? undefined : limits;
  }

  /** Takes a place for a run and tells how to give it back; `undefined` when this worker alone has used up a ceiling. */
  take(head: FoundRun): (() => void) | undefined {
    const isChild = head.run.parent !== null;
    const bound = (isChild ? [] : (this.limitsOf(head) ?? [])).flatMap((limit) => {
      const key = keyOf(limit, head);
      return key === undefined || limit.running === null ? [] : [{ key, max: limit.running }];
    });
    if (bound.some(({ key, max }) => (this.#taken.get(key) ?? 0) >= max)) return undefined;
    for (const { key } of bound) this.#add(key, 1);
    return () => {
      for (const { key } of bound) this.#add(key, -1);
    };
  }

  #add(key: string, change: number): void {
    const taken = (this.#taken.get(key) ?? 0) + change;
    if (taken === 0) this.#taken.delete(key);
    else this.#taken.set(key, taken);
  }
}

function keyOf({ queue, label }: RunLimit, { scope, run }: FoundRun): string | undefined {
  if (label === null) return JSON.stringify([queue]);
  const value = labelText(run, label);
  return value === undefined ? undefined : JSON.stringify([queue, label, scope, value]);
}
