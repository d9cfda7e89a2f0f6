import type { Runbook } from "./runbook.js";

/** Who must approve which runbooks before they run: pure over the sealed runbook. */
export interface ApprovalPolicy {
  /** Approvals needed, each of another person. Default 1. */
  readonly quorum: number;
  /** At least one of these must be among an approver's roles; empty = anybody. */
  readonly roles: readonly string[];
  /** The person who asked for the runbook does not count. Default true. */
  readonly notRequester: boolean;
  /** How long an approval holds where its giver sets nothing, milliseconds; `null` = for ever. */
  readonly expiresInMs: number | null;
  /** Which runbooks need approval. Default: those with a writing step. */
  appliesTo(runbook: Runbook): boolean;
}
