import type { QueueOptions, QueuePlan } from "./queue-options.js";
import type { Runseal } from "../instance/runseal.js";
import type { Scope } from "../model/ids.js";
import { misconfigured } from "./misconfigured.js";
import { onlyKnown, queuePlan } from "./queue-options.js";

/** What {@link createWorker} takes. */
export interface WorkerOptions {
  /** Queues to work on, with ceilings where the fleet is to keep some. Default: every queue, without ceilings. */
  readonly queues?: readonly (string | QueueOptions)[];
  /** Scopes to work for, or `"all"` that have work; they take turns. Default: the instance's scope. */
  readonly scopes?: readonly Scope[] | "all";
  /** Runs at a time in this worker. Default 8. */
  readonly concurrency?: number;
  /** Term of the leases it takes, milliseconds. Default: the instance's. */
  readonly leaseMs?: number;
  /** Longest time between two looks at the store, milliseconds. Default 1 000; changes of this process are seen at once. */
  readonly pollMs?: number;
}

const KNOWN = ["queues", "scopes", "concurrency", "leaseMs", "pollMs"];
const MS = "a positive integer below 2^31, milliseconds";

/** Options with every default filled in. */
export interface WorkerPlan extends QueuePlan {
  /** As the store is asked: one scope, several, or `null` = all. */
  readonly scope: Scope | readonly Scope[] | null;
  readonly concurrency: number;
  readonly leaseMs: number | undefined;
  readonly pollMs: number;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {@link RunsealError} `instance.misconfigured` naming the option
 */
export function workerPlan(runseal: Runseal, options: WorkerOptions): WorkerPlan {
  if (typeof options !== "object" || (options as unknown) === null) throw misconfigured("options", `{ ${KNOWN.join(", ")} }`);
  onlyKnown(options, KNOWN);
  const { concurrency = 8, pollMs = 1000, leaseMs } = options;
  if (!isPositive(concurrency)) throw misconfigured("concurrency", "a positive integer");
  if (!isMs(pollMs)) throw misconfigured("pollMs", MS);
  if (leaseMs !== undefined && !isMs(leaseMs)) throw misconfigured("leaseMs", MS);
  return { ...queuePlan(options.queues), scope: scopeOf(runseal, options.scopes), concurrency, leaseMs, pollMs };
}

function scopeOf(runseal: Runseal, scopes: WorkerOptions["scopes"]): WorkerPlan["scope"] {
  if (scopes === undefined) return runseal.scope;
  if (scopes === "all") return null;
  if (!Array.isArray(scopes) || scopes.length === 0) throw misconfigured("scopes", 'a list of scopes, or "all"');
  // a view of each: it refuses what can't be a scope
  return [...new Set(scopes.map((scope: Scope) => runseal.withScope(scope).scope))];
}

/** What is more than a timer can hold makes it ring at once. */
function isMs(value: unknown): boolean {
  return isPositive(value) && value < 2 ** 31;
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
