import type { Policy, PolicyRequest } from "../model/policy.js";
import type { AllowSet } from "../model/invocation.js";

/** Allows every verb to everybody: for tests, examples, and hosts that decide elsewhere. It says so in its name. */
export function allowAll(): Policy {
  return Object.freeze({ name: "allow all", allowed: (): AllowSet => "all" });
}

/** Allows the named verbs and nothing else; `domain.*` stands for every verb of a domain. */
export function allowVerbs(verbs: readonly string[]): Policy {
  const allowed = Object.freeze([...verbs]);
  return Object.freeze({ name: `allow ${allowed.length} verbs`, allowed: (): AllowSet => allowed });
}

/**
 * Asks a policy and fails closed.
 *
 * @returns `undefined` when there is no policy, or it threw, rejected, or gave nothing
 */
export async function allowSetOf(policy: Policy | undefined, request: PolicyRequest): Promise<AllowSet | undefined> {
  if (policy === undefined) return undefined;
  try {
    return await policy.allowed(request);
  } catch {
    return undefined; // an outage is not permission: the compilation ends as `policy_unavailable`
  }
}
