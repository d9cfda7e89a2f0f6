import type { BasisStep } from "./envelope.js";
import type { EntityRef, LateWrite, Subject } from "./write-set.js";
import type { Digest, RunbookId, StepId } from "./ids.js";
import type { Mode, Recovery, VerbRef } from "./verb.js";

/** One step as a person reads it. */
export interface PreviewStep {
  readonly id: StepId;
  readonly verb: VerbRef;
  readonly effect: "pure" | "read" | "write";
  readonly mode: Mode;
  readonly recovery: Recovery | null;
  /** Effect and completion are committed together; absent = they are not. */
  readonly transactional?: true;
  /** The recorded arguments, late values printed as `<step>.result.path`. */
  readonly args: string;
  /** Printed condition; `null` when the step always runs. */
  readonly when: string | null;
  readonly dependsOn: readonly StepId[];
  /** The author's words, a quotation; `null` when there are none. */
  readonly sentence: string | null;
  /** What the step takes over from the run that the runbook was made from; absent when it takes over nothing. */
  readonly takenOver?: BasisStep["as"];
}

/** What will run, in order, and what it will write: a pure function of the sealed runbook (decision 2.10). */
export interface Preview {
  readonly id: RunbookId;
  readonly documentDigest: Digest;
  /** Everything below as text for a terminal or a ticket. */
  readonly text: string;
  readonly steps: readonly PreviewStep[];
  readonly phases: readonly (readonly StepId[])[];
  readonly reads: readonly EntityRef[];
  readonly writes: readonly Subject[];
  readonly lateWrites: readonly (LateWrite & { readonly step: StepId })[];
  /** Lock names in the order in which they are taken, `write kind:id`. */
  readonly locks: readonly string[];
  /** True when the runbook has writing steps, so that an approval policy applies by default. */
  readonly approvalsNeeded: boolean;
  /** What can't be known before the run: late values, conditions, waits for people. One sentence each. */
  readonly unknowns: readonly string[];
}
