import type { ActiveRun } from "../instance/active-runs.js";
import type { FoundRun } from "../instance/find-runbook.js";
import type { InstanceParts } from "../instance/parts.js";
import type { Postponed } from "./postponed.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import { type RunsealError, isRunsealError } from "../errors/error.js";
import { endQueuedRun } from "../engine/claim-run.js";
import { readRoot, readRunbook } from "../instance/find-runbook.js";
import { resume, startHere } from "../instance/execute.js";

/**
 * Takes one due run, or leaves it to others.
 *
 * A queued run that admission refuses ends as failed with that code, void (decision 3.2); a run that was started before and
 * can't go on now is left as it is for a while.
 */
export async function takeRun(parts: InstanceParts, head: StreamHead, postponed: Postponed): Promise<ActiveRun | undefined> {
  const { run } = head;
  if (run === null) return undefined;
  try {
    if (run.parent !== null) return await takeParent(parts, { ...head, run });
    const runbook = await readRunbook(parts, run.runbookId);
    if (run.status === "queued") return await start(parts, runbook, run.runId);
    await resume(parts, run.runId, run.status === "running" ? "recovered" : "wake");
    return parts.active.get(run.runId);
  } catch (error) {
    if (!isRunsealError(error)) throw error;
    postponed.add(run.runId);
    parts.engine.log?.({ runId: run.runId, stepId: "", message: `not taken: ${error.message}`, fields: { code: error.code } });
    return undefined;
  }
}

/** A child is driven with the run that it belongs to, under its locks. */
async function takeParent(parts: InstanceParts, head: FoundRun): Promise<ActiveRun | undefined> {
  const { run } = await readRoot(parts, head);
  if (parts.active.get(run.runId) !== undefined) return undefined;
  await resume(parts, run.runId, "wake");
  return parts.active.get(run.runId);
}

async function start(parts: InstanceParts, runbook: Runbook, runId: RunId): Promise<ActiveRun | undefined> {
  try {
    return await startHere(parts, runbook, runId);
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
