const NAME = /^[a-z][a-z0-9_]{0,62}(?:\.[a-z][a-z0-9_]{0,62})+$/;
const NAME_LENGTH_MAX = 200;
const LABEL = /^[a-z][a-z0-9_]{0,62}$/;

/** Tells whether `value` is the name of a verb or macro: two or more segments (D-001) with dots between them, 200 letters at most. */
export function isName(value: unknown): value is `${string}.${string}` {
  return typeof value === "string" && value.length <= NAME_LENGTH_MAX && NAME.test(value);
}

/** Tells whether `value` is a label of a body: one segment of a step id. */
export function isLabel(value: unknown): value is string {
  return typeof value === "string" && LABEL.test(value);
}

/** Tells whether `value` is a version: 1, 2, 3 ... */
export function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
