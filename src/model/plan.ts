import type { Diagnostic } from "./diagnostic.js";
import type { ExpandedStep, PlanEdge } from "./step.js";
import type { StepId } from "./ids.js";

/** Ordered, checked steps that are not sealed: nothing executes a plan. */
export interface Plan {
  /** Topological order; ties in declaration order. */
  readonly steps: readonly ExpandedStep[];
  /** Step ids that may run together, as early as possible. */
  readonly phases: readonly (readonly StepId[])[];
  /** Every edge once, with the first reason found for it. */
  readonly edges: readonly PlanEdge[];
  /** Step id -> the ids it depends on, sorted. */
  readonly dependsOn: ReadonlyMap<StepId, readonly StepId[]>;
  /** Warnings, e.g. that the order differs from the order of writing. */
  readonly diagnostics: readonly Diagnostic[];
}
