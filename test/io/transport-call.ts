import type { TransportCall, TransportEnv } from "../../src/io/transport.js";
import { systemClock } from "../../src/time/clock.js";

/** The attempt that tests of transports speak for. */
export function envOf(changes: Partial<TransportEnv> = {}): TransportEnv {
  return { scope: "default", runId: "run-1", stepId: "main", attempt: 1, clock: systemClock, ...changes };
}

/** A call of that attempt; it knows no secret unless it is given one. */
export function callOf(changes: Partial<TransportCall> = {}): TransportCall {
  return {
    runId: "run-1",
    stepId: "main",
    attempt: 1,
    namespace: "http",
    signal: new AbortController().signal,
    secret: async (name) => `value of ${name}`,
    ...changes,
  };
}
