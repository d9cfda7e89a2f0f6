import type { EntityRef } from "../model/write-set.js";
import type { RunbookId, StepId } from "../model/ids.js";

/** What became of a step that both runbooks have. */
export interface ChangedStep {
  readonly id: StepId;
  /** Names of the members that differ, sorted. */
  readonly members: readonly string[];
}

/** How one runbook differs from another. */
export interface RunbookDiff {
  readonly a: RunbookId;
  readonly b: RunbookId;
  /** True when both have the same id: the same will be run. */
  readonly isSame: boolean;
  readonly added: readonly StepId[];
  readonly removed: readonly StepId[];
  readonly changed: readonly ChangedStep[];
  /** Steps of both that stand in another order among the others: the fewest that explain it. */
  readonly reordered: readonly StepId[];
  readonly writes: { readonly widened: readonly EntityRef[]; readonly narrowed: readonly EntityRef[] };
  /** Kinds of late writes. */
  readonly lateWrites: { readonly widened: readonly string[]; readonly narrowed: readonly string[] };
  /** Members of the execution options that differ. */
  readonly execution: readonly string[];
  /** Members of the content and its core that differ, beside steps and execution options: `intent`, `core.bindings`. */
  readonly core: readonly string[];
  /** Members of what a person reads that differ: `sentences`, `title`. */
  readonly document: readonly string[];
  /** All of it for a terminal. */
  readonly text: string;
}
