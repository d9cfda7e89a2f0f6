import type { ParkReason, RunResult } from "../model/run.js";
import type { RunHandle } from "../instance/run-handle.js";
import { RunsealError } from "../errors/error.js";

/**
 * Waits until a run parks, and tells on what.
 *
 * @throws {@link RunsealError} `run.not_completed` when it ends, or parks for another reason than the one wanted
 */
export async function waitForPark(
  handle: Pick<RunHandle, "runId" | "result">,
  reason?: ParkReason,
): Promise<Extract<RunResult, { readonly status: "parked" }>> {
  const result = await handle.result();
  if (result.status === "parked" && (reason === undefined || result.reason === reason)) return result;
  const found = result.status === "parked" ? `parked (${result.reason})` : result.status;
  throw new RunsealError(
    "run.not_completed",
    `run "${handle.runId}" is ${found}, not parked${reason === undefined ? "" : ` (${reason})`}`,
    {
      runId: handle.runId,
      status: result.status,
      reason: result.status === "failed" ? result.code : null,
    },
  );
}
