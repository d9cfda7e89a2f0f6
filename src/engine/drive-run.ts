import type { ClaimedRun } from "./claim-run.js";
import type { DriveControl, DriveEnd } from "./drive-end.js";
import type { EngineParts } from "./parts.js";
import { RunLoop } from "./run-loop.js";
import { atStoreTime } from "./store-time.js";
import { claimRun } from "./claim-run.js";

/**
 * Works on a run until it ends, rests, is handed over, or is lost.
 *
 * A message that arrives while the run is being parked takes it up again here, so that nobody has to look twice.
 *
 * @throws {@link RunsealError} `store.busy`, `store.failed`, `store.full` or `store.closed` when the store can't take what happened: evidence is
 * mandatory, so nothing more is done, and the run can be claimed again when its lease has ended
 */
export async function driveRun(parts: EngineParts, run: ClaimedRun, control: DriveControl = {}): Promise<DriveEnd> {
  let claimed = run;
  const seen = new Set<string>();
  for (;;) {
    const timed = { ...parts, env: atStoreTime(parts.env, claimed.storeAheadMs) };
    const end = await new RunLoop(timed, claimed, control, driveRun).run();
    if (end.kind !== "rested" || end.result.status !== "parked" || control.drain?.aborted === true) return end;
    const { scope, runId } = run.state;
    const pending = await parts.stores.inbox.pending(scope, runId);
    if (pending.every((entry) => seen.has(entry.key))) return end;
    for (const entry of pending) seen.add(entry.key);
    const again = await claimRun(parts, {
      scope,
      runId,
      runbook: run.runbook,
      reason: "wake",
      build: claimed.build,
      approvals: null,
      ...(run.limits !== undefined && { limits: run.limits }),
    });
    if (again.kind === "refused") return end;
    claimed = again.run;
  }
}
