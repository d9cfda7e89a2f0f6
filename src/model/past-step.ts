import type { Digest, RunId, StepId } from "./ids.js";
import type { JsonValue } from "../json/value.js";
import type { SealedStep } from "./step.js";
import type { StepStatus } from "./run.js";

/** A step of a run that a new plan is made from, as its log tells it. */
export interface PastStep {
  readonly step: SealedStep;
  readonly status: StepStatus;
  /** Attempts entered; a step that was sent off and waits has one. */
  readonly attempt: number;
  /** Of a completed step; `null` otherwise. */
  readonly result: JsonValue;
  /** Of a completed step: covers result and change of the context. */
  readonly digest: Digest | null;
  /** The code of its newest failure; `null` = it never failed. */
  readonly failureCode: string | null;
  /** The run that its idempotency key was made of. */
  readonly keyRunId: RunId;
}

/** The steps of a run by id, in plan order. */
export type PastSteps = ReadonlyMap<StepId, PastStep>;
