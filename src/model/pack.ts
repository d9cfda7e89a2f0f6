/** A named constraint over the verbs and entity kinds that a plan may use while the pack is active. */
export interface Pack {
  readonly id: string;
  readonly name: string;
  /** Verb names or `domain.*`; empty = the pack does not restrict. */
  readonly allowedVerbs: readonly string[];
  /** Verb names or `domain.*`; forbidden beats allowed. */
  readonly forbiddenVerbs: readonly string[];
  /** Entity kinds that no step may write. */
  readonly forbiddenEntityKinds: readonly string[];
}
