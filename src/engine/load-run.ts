import type { EngineParts } from "./parts.js";
import type { RunId, Scope } from "../model/ids.js";
import type { RunPlan } from "../history/run-plan.js";
import type { RunState } from "../history/run-state.js";
import { RunsealError } from "../errors/error.js";
import { beginState } from "../history/run-state.js";
import { eventOf } from "../history/read-event.js";
import { fold } from "../history/fold.js";
import { runStream } from "../model/ids.js";

/**
 * A run as its log tells it now.
 *
 * Cost: linear in steps and events.
 *
 * @throws {@link RunsealError} `run.not_found`; `store.corrupt` when the log is damaged
 */
export async function loadRun(parts: Pick<EngineParts, "stores">, scope: Scope, runId: RunId, plan: RunPlan): Promise<RunState> {
  const state = beginState(plan, scope, runId);
  for await (const stored of parts.stores.reader.read(scope, runStream(runId))) fold(state, eventOf(stored));
  if (state.seq === 0) {
    throw new RunsealError("run.not_found", `there is no run "${runId}" in scope "${scope}"`, { scope, runId });
  }
  return state;
}
