import type { ErrorCode } from "../errors/error.js";
import type { InstanceParts } from "./parts.js";
import type { StepId } from "../model/ids.js";
import { blockersOf } from "./admission.js";
import { lockRequestsOf } from "../history/lock-requests.js";
import { readRunbook } from "./find-runbook.js";

/** What would happen if the runbook were executed here and now. */
export interface DryRun {
  readonly isAdmissible: boolean;
  /** Everything in the way, at once. */
  readonly blockers: readonly { readonly code: ErrorCode; readonly message: string }[];
  /** Step ids in the order in which they would be considered. */
  readonly order: readonly StepId[];
  /** Step ids that may run together. */
  readonly phases: readonly (readonly StepId[])[];
  /** Lookups that admission will ask again; a dry run calls no handler. */
  readonly rechecks: readonly string[];
  /** Locks of the write-set that somebody holds at this moment. */
  readonly heldLocks: readonly { readonly kind: string; readonly id: string; readonly runId: string | null }[];
}

/** Rehearses admission against this instance and its stores: writes nothing, takes no lock, spends nothing, calls no handler. */
export async function dryRun(parts: InstanceParts, id: string): Promise<DryRun> {
  const runbook = await readRunbook(parts, id);
  const blockers = (await blockersOf(parts, runbook, true)).map(({ code, message }) => ({ code, message }));
  const heldLocks: { kind: string; id: string; runId: string | null }[] = [];
  const subjects = runbook.steps.flatMap((step) => [...step.reads, ...step.writes]);
  for (const request of lockRequestsOf(parts.scope, subjects)) {
    const holder = await parts.stores.locks?.holder(request.key);
    if (holder !== undefined) heldLocks.push({ kind: request.kind, id: request.id, runId: holder.runId });
  }
  return {
    isAdmissible: blockers.length === 0,
    blockers,
    order: runbook.steps.map((step) => step.id),
    phases: runbook.document.phases,
    rechecks: runbook.content.core.lookups.filter((lookup) => lookup.recheck !== "never").map((lookup) => lookup.path),
    heldLocks,
  };
}
