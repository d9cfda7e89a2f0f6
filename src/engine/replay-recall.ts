import type { EventDraft } from "../model/event.js";
import type { Outcome } from "./step-outcome.js";
import type { RecordedEnd } from "./replay-script.js";
import type { RetryMoment } from "./retry.js";
import type { StepRecord } from "../history/run-state.js";
import { ORPHAN_RECOVERED } from "../history/fold-step.js";
import { failedAttempt } from "./retry.js";
import { orphanClosed } from "./decide.js";
import { recordedFailure } from "./replay-script.js";

/**
 * What came of an attempt, from its recorded end: results, parks and doubts as they stand; whether a failure is tried again is decided anew.
 *
 * @param record - before the end is folded
 */
export function recalledOutcome(record: StepRecord, { event, artifacts }: RecordedEnd, moment: RetryMoment): Outcome {
  const named = artifacts.map(({ payload }): EventDraft => ({ kind: "artifact.written", payload }));
  return { events: [...named, ...endOf(record, event, moment)], artifacts: [] };
}

function endOf(record: StepRecord, event: RecordedEnd["event"], moment: RetryMoment): readonly EventDraft[] {
  switch (event.kind) {
    case "step.completed":
      return [{ kind: "step.completed", payload: event.payload }];
    case "step.failed":
      if (event.payload.code === ORPHAN_RECOVERED) return [orphanClosed(record)];
      return failedAttempt(record, recordedFailure(event), moment);
    case "step.parked": {
      const { stepId, key, until } = event.payload;
      return [
        { kind: "step.parked", payload: event.payload },
        { kind: "wait.opened", payload: { stepId, key, until } },
      ];
    }
    case "step.in_doubt":
      return [{ kind: "step.in_doubt", payload: { ...event.payload, recovery: record.step.recovery ?? "manual" } }];
  }
}
