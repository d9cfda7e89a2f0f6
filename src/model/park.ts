const PARK = Symbol.for("runseal.park");

/** What `ctx.park` returns and a durable handler hands back: the step waits. */
export interface Park {
  readonly [PARK]: true;
  /** The signal that completes the step. */
  readonly key: string;
  /** Milliseconds since the epoch after which the wait has failed; `null` = waits for ever. */
  readonly until: number | null;
}

/** Makes the value that parks a step. */
export function parkUntil(key: string, until: number | null): Park {
  return Object.freeze({ [PARK]: true as const, key, until });
}

/** Tells a park from a result. */
export function isPark(value: unknown): value is Park {
  return typeof value === "object" && value !== null && PARK in value;
}
