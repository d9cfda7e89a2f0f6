import type { Call } from "./start-step.js";
import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { RunState } from "../history/run-state.js";
import { NO_DEMANDS, decide } from "./decide.js";
import { ResultReader } from "./result-reader.js";
import { RunContext } from "./run-context.js";
import { optionsOf } from "./parts.js";
import { present } from "../errors/invariant.js";
import { recordOf } from "../history/run-state.js";
import { startStep } from "./start-step.js";

/** The entry of a step, and the call that follows it. */
export interface FirstStep {
  readonly entered: EventDraft;
  readonly call: Call;
}

/**
 * The step that a run begins with, where nothing but its start has to be durable before its entry; `undefined` where the run begins
 * otherwise: with locks, a gate, a condition that skips it, a pure step. A step that a crash would leave in doubt is entered by itself, later.
 *
 * @param state - of a run that has just started
 */
export async function firstStep(parts: EngineParts, state: RunState): Promise<FirstStep | undefined> {
  const pace = { concurrency: 1, retryInProcessMs: optionsOf(parts).retryInProcessMs };
  const effect = decide(state, parts.env.now(), NO_DEMANDS, pace);
  if (effect.kind !== "start") return undefined;
  const record = present(recordOf(state, effect.stepId), "decide names steps of the run");
  // the entry of a pure step need not be durable at all
  if (record.step.effect === "pure" || record.step.recovery === "manual") return undefined;
  const results = new ResultReader(parts, state, () => undefined);
  const context = new RunContext(state, (id) => results.load(id));
  const { events, artifacts, call } = await startStep(parts, state, results, context, record);
  const [entered] = events;
  if (call === undefined || entered === undefined || events.length > 1 || artifacts.length > 0) return undefined;
  return { entered, call };
}
