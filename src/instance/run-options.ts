import type { JsonObject } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";

/** What may be said when a runbook is submitted; nothing here changes what runs (decision 3.3). */
export interface RunOptions {
  /** For `uses: "many"`: at most one run per key and scope. */
  readonly dedupKey?: string;
  /** Default `"default"`. */
  readonly queue?: string;
  /** Higher first. Default 0. */
  readonly priority?: number;
  /** For finding runs; strings, integers and booleans. */
  readonly labels?: { readonly [name: string]: string | number | boolean };
  /** Steps at a time. Default 1: in plan order. */
  readonly concurrency?: number;
}

/** Options with every default filled in. */
export interface NormalRunOptions {
  readonly dedupKey: string | null;
  readonly queue: string;
  readonly priority: number;
  readonly labels: JsonObject;
  readonly concurrency: number | null;
}

const NAME = /^[A-Za-z0-9_.:/@-]{1,200}$/;

/**
 * Checks options and fills in the defaults.
 *
 * @throws {@link RunsealError} `run.invalid_option` naming the option
 */
export function normalRunOptions(options: RunOptions): NormalRunOptions {
  const { dedupKey = null, queue = "default", priority = 0, labels = {}, concurrency = null } = options;
  if (dedupKey !== null && !isName(dedupKey)) throw refuse("dedupKey", "1 to 200 letters, digits or _.:/@-");
  if (!isName(queue)) throw refuse("queue", "1 to 200 letters, digits or _.:/@-");
  if (!Number.isSafeInteger(priority) || Math.abs(priority) > 1_000_000)
    throw refuse("priority", "an integer between -1000000 and 1000000");
  if (concurrency !== null && (!Number.isSafeInteger(concurrency) || concurrency < 1 || concurrency > 1000))
    throw refuse("concurrency", "an integer between 1 and 1000");
  return { dedupKey, queue, priority, labels: normalLabels(labels), concurrency };
}

function normalLabels(labels: unknown): JsonObject {
  const copy = copyCanonical(labels, { bytesMax: 16_384 });
  if (copy === null || typeof copy !== "object" || Array.isArray(copy))
    throw refuse("labels", "an object of strings, integers and booleans");
  const object = copy as JsonObject;
  for (const value of Object.values(object))
    if (value === null || typeof value === "object") throw refuse("labels", "an object of strings, integers and booleans");
  return object;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

function refuse(option: string, right: string): RunsealError {
  return new RunsealError("run.invalid_option", `"${option}" must be ${right}`, { option });
}
