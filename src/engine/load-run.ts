import type { EngineParts } from "./parts.js";
import type { RunId, Scope } from "../model/ids.js";
import type { RunPlan } from "../history/run-plan.js";
import type { RunState } from "../history/run-state.js";
import type { StoredEvent } from "../model/event.js";
import { RunsealError } from "../errors/error.js";
import { assertPayload } from "./payload-dropped.js";
import { beginState } from "../history/run-state.js";
import { eventOf, isKnown } from "../history/read-event.js";
import { fold } from "../history/fold.js";
import { runStream } from "../model/ids.js";

/** How {@link loadRun} reads. */
interface LoadOptions {
  /** Refuses a log with events that this version can't read, or nobody can: whoever goes on with the run must know what they did to it. */
  readonly isToGoOn?: boolean;
}

/**
 * A run as its log tells it now.
 *
 * Cost: linear in steps and events.
 *
 * @throws {@link RunsealError} `run.not_found`; `store.corrupt` when the log is damaged; when it is loaded to go on,
 * `run.unsupported_event` where a later version wrote in it and `run.payload_dropped` where retention dropped something
 */
export async function loadRun(
  parts: Pick<EngineParts, "stores">,
  scope: Scope,
  runId: RunId,
  plan: RunPlan,
  options: LoadOptions = {},
): Promise<RunState> {
  const state = beginState(plan, scope, runId);
  for await (const stored of parts.stores.reader.read(scope, runStream(runId))) {
    if (options.isToGoOn === true) assertReadable(runId, stored);
    fold(state, eventOf(stored));
  }
  if (state.seq === 0) {
    throw new RunsealError("run.not_found", `there is no run "${runId}" in scope "${scope}"`, { scope, runId });
  }
  return state;
}

function assertReadable(runId: RunId, stored: StoredEvent): void {
  if (!isKnown(stored)) throw unsupported(runId, stored);
  assertPayload(runId, stored);
}

function unsupported(runId: RunId, { seq, kind, v }: StoredEvent): RunsealError {
  const message = `event ${seq} of run "${runId}" is ${kind} version ${v}, which a later version of this package wrote; go on with that`;
  return new RunsealError("run.unsupported_event", message, { runId, seq, kind, v });
}
