import { AsyncLocalStorage } from "node:async_hooks";
import { RunsealError } from "../errors/error.js";

const insideStep = new AsyncLocalStorage<true>();

/** Runs a step's handler so that everything it calls knows that it is inside a step. */
export function runInStep<T>(call: () => Promise<T>): Promise<T> {
  return insideStep.run(true, call);
}

/** Runs something that a step's work has set off and that is no part of it. */
export function outsideStep<T>(call: () => T): T {
  return insideStep.exit(call);
}

/**
 * Refuses to compile or expand inside a running step (decision 3.1): what runs was decided when it was sealed.
 *
 * @throws {@link RunsealError} `compile.reexpansion_forbidden` inside a step, in every build
 */
export function assertOutsideStep(call: string): void {
  if (insideStep.getStore() !== true) return;
  throw new RunsealError(
    "compile.reexpansion_forbidden",
    `"${call}" was called inside a running step: compile before, and pass the sealed runbook's id`,
    { call },
  );
}
