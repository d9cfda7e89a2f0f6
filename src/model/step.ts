import type { Digest, StepId } from "./ids.js";
import type { Tree } from "./expression.js";
import type { LateWrite, Subject } from "./write-set.js";
import type { Mode, Recovery, RetryPolicy, VerbRef } from "./verb.js";

/** One verb call that expansion emitted: references name step ids, sealed values are plain JSON. */
export interface ExpandedStep {
  readonly id: StepId;
  readonly verb: VerbRef;
  /** Only late expressions are left in it. */
  readonly args: Tree;
  /** Explicit `after`, as step ids, in declaration order. */
  readonly after: readonly StepId[];
  /** Absent when it was decided while expanding, or when there is none. */
  readonly when?: Tree;
  readonly mode: Mode;
  /** Step ids whose skipped result is accepted as `null`; sorted. */
  readonly optional: readonly StepId[];
  readonly sentence?: string;
  /** The macro that wrote the step (`null` for a verb invoked directly), for messages only. */
  readonly macro: string | null;
}

/** Why one step comes before another. */
export interface PlanEdge {
  readonly before: StepId;
  readonly after: StepId;
  readonly why:
    | { readonly kind: "after" }
    | { readonly kind: "result" }
    | {
        readonly kind: "entity";
        readonly entityKind: string;
        readonly entityId: string;
        readonly access: "write_write" | "write_read" | "read_write";
      }
    | { readonly kind: "late_write"; readonly entityKind: string };
}

/** A step as it is sealed: the unit that is hashed, shown and executed. Absent members are left out of the bytes. */
export interface SealedStep {
  readonly id: StepId;
  readonly verb: VerbRef;
  readonly contract: Digest;
  readonly args: Tree;
  /** Step ids that must have ended first; sorted. */
  readonly dependsOn: readonly StepId[];
  readonly when?: Tree;
  readonly optional?: readonly StepId[];
  readonly effect: "pure" | "read" | "write";
  readonly mode: Mode;
  readonly recovery?: Recovery;
  readonly reads: readonly Subject[];
  readonly writes: readonly Subject[];
  readonly lateWrites: readonly LateWrite[];
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  /** Handler and completion share a transaction; absent = they don't. */
  readonly transactional?: true;
  readonly tags?: readonly string[];
}
