import type { ActiveRun } from "../instance/active-runs.js";
import type { FoundRun } from "../instance/find-runbook.js";
import type { InstanceParts } from "../instance/parts.js";
import type { RunLimit } from "../stores/event-store.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId } from "../model/ids.js";
import { type RunsealError, isRunsealError } from "../errors/error.js";
import { endQueuedRun } from "../engine/claim-run.js";
import { knownRunbook, readRoot } from "../instance/find-runbook.js";
import { resumeHere, startHere } from "../instance/execute.js";

/** What came of a run that was to be taken. */
export type Taken =
  | { readonly kind: "taken"; readonly run: ActiveRun }
  /** A ceiling holds it back until then, by the store's clock; `null` = until something ends. */
  | { readonly kind: "limited"; readonly retryAt: number | null }
  /** It is to be left alone for a while. */
  | { readonly kind: "refused" }
  /** Somebody else has it, it has ended, or was ended here. */
  | { readonly kind: "gone" };

const GONE: Taken = { kind: "gone" };

/**
 * Takes one due run, or leaves it to others.
 *
 * A queued run that admission refuses ends as failed with that code, void (decision 3.2); a run that was started before and
 * can't go on now is left as it is for a while.
 */
export async function takeRun(parts: InstanceParts, head: FoundRun, limits: readonly RunLimit[] | undefined): Promise<Taken> {
  const { run } = head;
  try {
    const active = run.parent === null ? await takeRoot(parts, head, limits) : await takeParent(parts, head, limits);
    return active === undefined ? GONE : { kind: "taken", run: active };
  } catch (error) {
    if (!isRunsealError(error)) throw error;
    if (isRunsealError(error, "run.limited")) return { kind: "limited", retryAt: error.details.retryAt };
    // what was read to find it is no longer true: the next look reads it anew
    if (isRunsealError(error, "lease.stale") || isRunsealError(error, "store.conflict")) return GONE;
    parts.engine.log?.({ runId: run.runId, stepId: "", message: `not taken: ${error.message}`, fields: { code: error.code } });
    return { kind: "refused" };
  }
}

async function takeRoot(
  parts: InstanceParts,
  head: FoundRun,
  limits: readonly RunLimit[] | undefined,
): Promise<ActiveRun | undefined> {
  const { runId, runbookId, status } = head.run;
  const runbook = await knownRunbook(parts, runbookId);
  const taking = { head, ...(limits !== undefined && { limits }) };
  if (status === "queued") return start(parts, runbook, runId, taking);
  return resumeHere(parts, runbook, runId, status === "running" ? "recovered" : "wake", taking);
}

/** A child is driven with the run that it belongs to, under its locks. */
async function takeParent(
  parts: InstanceParts,
  head: FoundRun,
  limits: readonly RunLimit[] | undefined,
): Promise<ActiveRun | undefined> {
  const root = await readRoot(parts, head);
  return parts.active.get(root.run.runId) === undefined ? takeRoot(parts, root, limits) : undefined;
}

async function start(
  parts: InstanceParts,
  runbook: Runbook,
  runId: RunId,
  taking: Parameters<typeof startHere>[3],
): Promise<ActiveRun | undefined> {
  try {
    return await startHere(parts, runbook, runId, taking);
  } catch (error) {
    if (!isRunsealError(error) || !isRefusal(error)) throw error;
    const ending = { kind: "failed", code: error.code, category: "policy", message: error.message } as const;
    await endQueuedRun(parts.engine, { scope: parts.scope, runId, ending });
    return undefined;
  }
}

function isRefusal(error: RunsealError): boolean {
  return error.code.startsWith("admission.") || error.code === "lock.required";
}
