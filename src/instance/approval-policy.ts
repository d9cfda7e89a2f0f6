import type { ApprovalPolicy } from "../model/approval-policy.js";
import type { Runbook } from "../model/runbook.js";
import { RunsealError } from "../errors/error.js";
import { parseDuration } from "../time/duration.js";

/** What {@link approvalPolicy} takes; every member has a default. */
export interface ApprovalPolicyOptions {
  /** Default 1. */
  readonly quorum?: number;
  /** Default: anybody. */
  readonly roles?: readonly string[];
  /** Default true. */
  readonly notRequester?: boolean;
  /** A duration such as `"8h"`, or milliseconds. Default: for ever. */
  readonly expiresIn?: string | number;
  /** Default: every runbook with a writing step. */
  readonly when?: (runbook: Runbook) => boolean;
}

/**
 * Says that runbooks need approval before they run.
 *
 * @throws {@link RunsealError} `instance.misconfigured` when `quorum` is not a positive integer
 */
export function approvalPolicy(options: ApprovalPolicyOptions = {}): ApprovalPolicy {
  const quorum = options.quorum ?? 1;
  if (!Number.isSafeInteger(quorum) || quorum < 1) {
    throw new RunsealError("instance.misconfigured", `an approval quorum of ${quorum} can't be met: use a positive integer`, {
      option: "approvals.quorum",
    });
  }
  const when = options.when ?? hasWrites;
  return Object.freeze({
    quorum,
    roles: Object.freeze([...(options.roles ?? [])]),
    notRequester: options.notRequester ?? true,
    expiresInMs: options.expiresIn === undefined ? null : parseDuration(options.expiresIn),
    appliesTo: (runbook: Runbook): boolean => when(runbook),
  });
}

function hasWrites(runbook: Runbook): boolean {
  return runbook.steps.some((step) => step.effect === "write");
}
