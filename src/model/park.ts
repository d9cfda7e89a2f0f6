import type { JsonValue } from "../json/value.js";

const PARK = Symbol.for("runseal.park");

/** What `ctx.park` returns and a durable handler hands back: the step waits. */
export interface Park {
  readonly [PARK]: true;
  /** The signal that completes the step. */
  readonly key: string;
  /** Milliseconds since the epoch after which the wait has failed; `null` = waits for ever. */
  readonly until: number | null;
  /** The result when nobody has answered by then: the wait is a timer. Absent: the step fails with `wait.timeout`. */
  readonly otherwise?: JsonValue;
}

/** What a handler says when it parks its step. */
export interface ParkOptions {
  /** The signal that completes the step. Default: `ctx.signalKey`. */
  readonly key?: string;
  /** Milliseconds since the epoch, or a duration from now such as `"2h"`. Absent: for ever. */
  readonly until?: number | string;
  /** The step's result when nobody has answered by `until`. Absent: it fails with `wait.timeout`. */
  readonly otherwise?: unknown;
}

/** Makes the value that parks a step. */
export function parkUntil(key: string, until: number | null, otherwise?: JsonValue): Park {
  return Object.freeze({ [PARK]: true as const, key, until, ...(otherwise !== undefined && { otherwise }) });
}

/** Tells a park from a result. */
export function isPark(value: unknown): value is Park {
  return typeof value === "object" && value !== null && PARK in value;
}
