import type { Access } from "./schema-description.js";
import type { StepId } from "./ids.js";

/** An entity that a step names, and how. */
export interface EntityRef {
  readonly kind: string;
  readonly id: string;
}

/** An entity in the write-set or the read-set of a step. `heuristic`: a UUID in an argument that is not declared. */
export interface Subject extends EntityRef {
  readonly access: Access;
  readonly source: "declared" | "heuristic";
}

/** A write whose kind is known when sealing and whose id an earlier result will give. */
export interface LateWrite {
  readonly kind: string;
  /** JSON Pointer into the step's arguments. */
  readonly pointer: string;
}

/** What a plan declares that it will touch, per step. Steps that touch nothing are absent. */
export interface WriteSet {
  readonly byStep: ReadonlyMap<StepId, StepWrites>;
}

/** What one step declares. Each list is sorted by kind, then id (or pointer), in UTF-16 code units. */
export interface StepWrites {
  readonly reads: readonly Subject[];
  readonly writes: readonly Subject[];
  readonly lateWrites: readonly LateWrite[];
}
