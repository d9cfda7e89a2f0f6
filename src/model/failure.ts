/** What kind of trouble a failure is, for retry rules and reports. */
export type FailureCategory =
  "input" | "network" | "rate_limited" | "storage" | "context" | "policy" | "timeout" | "canceled" | "bug" | "unknown";

/** A failure of the world as it is recorded: redacted, without a stack. */
export interface Failure {
  /** `topic.what_is_wrong`; what a handler threw keeps its own `code` where that has this shape. */
  readonly code: string;
  readonly category: FailureCategory;
  readonly retryable: boolean;
  readonly message: string;
}
