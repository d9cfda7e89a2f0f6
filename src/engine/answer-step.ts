import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { JsonValue } from "../json/value.js";
import type { Outcome } from "./step-outcome.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import type { Verdict, Wait } from "../history/run-state.js";
import { DOUBT_NOT_DONE } from "../history/fold-step.js";
import { boundedMessage } from "./failure-of.js";
import { checkResult, completed, failed } from "./step-outcome.js";
import { present } from "../errors/invariant.js";

/**
 * What a parked step makes of the signal or the decision that is there for it (decision 3.9): its result, its failure, or, for an
 * approved gate, that it may be started. The handler that parked it is not called again. A step in doubt is settled as it was decided.
 */
export function answerStep(parts: EngineParts, state: RunState, record: StepRecord): Outcome {
  if (record.settlement !== null) return settled(parts, record, record.settlement);
  const wait = present(record.wait, "an answered step waits");
  if (wait.reason === "awaiting_child") return { events: [answered(record, wait, "child")], artifacts: [] };
  const decision = state.decisions.get(record.step.id);
  if (decision !== undefined) return decided(parts, record, wait, decision);
  const stepId = record.step.id;
  if (wait.otherwise !== undefined && !state.signals.has(wait.key)) {
    return withResult(parts, record, [answered(record, wait, "timer")], wait.otherwise, "timer");
  }
  const payload = present(state.signals.get(wait.key), "an answered step has its signal");
  const events: readonly EventDraft[] = [
    { kind: "signal.delivered", payload: { key: wait.key, stepId } },
    answered(record, wait, "signal"),
  ];
  return withResult(parts, record, events, payload, "signal");
}

/** The result of a step that a message gave, or its failure where the verb's schema refuses it. */
export function messageResult(parts: EngineParts, record: StepRecord, attempt: number, payload: JsonValue, by: string): Outcome {
  const { step } = record;
  const entry = parts.handlers(step.verb);
  if (entry === undefined) return { events: [failed(step, attempt, handlerMissing(step.verb), true)], artifacts: [] };
  const checked = checkResult(entry, payload);
  if (checked.ok) return completed({ step, attempt, entry, declared: [], by }, checked);
  const message = boundedMessage(`the ${by} for "${step.id}" is no result of ${step.verb}: ${checked.issues.join("; ")}`);
  return {
    events: [failed(step, attempt, { code: "signal.invalid", category: "input", retryable: false, message }, true)],
    artifacts: [],
  };
}

/** The failure of a step whose verb this process does not have. */
export function handlerMissing(verb: string): Failure {
  return {
    code: "admission.handler_missing",
    category: "policy",
    retryable: false,
    message: `there is no handler for "${verb}"`,
  };
}

function decided(parts: EngineParts, record: StepRecord, wait: Wait, decision: Verdict): Outcome {
  const { step, attempt } = record;
  const events = [answered(record, wait, "decision")];
  if (decision.verdict !== "approve") {
    const message = `"${decision.subject}" rejected "${step.id}"`;
    const failure = { code: "decision.rejected", category: "policy", retryable: false, message } as const;
    return { events: [...events, failed(step, attempt, failure, true)], artifacts: [] };
  }
  if (wait.reason === "human_gate") return { events, artifacts: [] };
  return withResult(parts, record, events, decision.payload ?? null, "decision");
}

/** A doubt ends as a person says: the effect happened with this result, did not happen and is tried again, or has failed for good. */
function settled(parts: EngineParts, record: StepRecord, { verdict, subject, payload }: Verdict): Outcome {
  const { step, attempt } = record;
  if (verdict === "done") return messageResult(parts, record, attempt, payload ?? null, "decision");
  if (verdict === "not_done") {
    const message = boundedMessage(`"${subject}" says that attempt ${attempt} of "${step.id}" did not take effect`);
    const failure = { code: DOUBT_NOT_DONE, category: "unknown", retryable: true, message } as const;
    return { events: [failed(step, attempt, failure, false)], artifacts: [] };
  }
  const why = typeof payload === "string" ? `: ${payload}` : "";
  const message = boundedMessage(`"${subject}" says that "${step.id}" has failed${why}`);
  const failure = { code: "doubt.failed", category: "policy", retryable: false, message } as const;
  return { events: [failed(step, attempt, failure, true)], artifacts: [] };
}

function withResult(
  parts: EngineParts,
  record: StepRecord,
  before: readonly EventDraft[],
  payload: JsonValue,
  by: string,
): Outcome {
  const { events, artifacts } = messageResult(parts, record, record.attempt, payload, by);
  return { events: [...before, ...events], artifacts };
}

function answered(record: StepRecord, wait: Wait, by: string): EventDraft {
  return { kind: "wait.answered", payload: { stepId: record.step.id, key: wait.key, by } };
}
