import type { AllowSet, Invocation, Requester } from "./invocation.js";
import type { Scope } from "./ids.js";

/** What a policy is told before a compilation: who wants what, where. */
export interface PolicyRequest {
  readonly scope: Scope;
  readonly invocation: Invocation;
  readonly requestedBy: Requester | null;
  readonly sessionId: string | null;
}

/**
 * Says which verbs a compilation may use.
 *
 * Fails closed: `undefined`, a throw or a rejection gives `policy_unavailable`, never permission.
 */
export interface Policy {
  /** Shown in messages and audits. */
  readonly name: string;
  /** The verbs that may be used: names, `domain.*`, or `"all"`. */
  allowed(request: PolicyRequest): AllowSet | undefined | Promise<AllowSet | undefined>;
}
