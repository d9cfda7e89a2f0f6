import type { Carry, NotCarried } from "../compile/carry.js";
import type { InstanceParts } from "./parts.js";
import type { PastRun } from "./past-run.js";
import type { Preview } from "../model/preview.js";
import type { Requester } from "../model/invocation.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookDiff } from "../review/runbook-diff.js";
import type { StepId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { allowSetOf } from "./policy.js";
import { allowsVerb } from "../compile/authorize.js";
import { diffRunbooks } from "../review/diff.js";
import { preview } from "../review/preview.js";

/** A runbook that was made from a run: sealed and stored like any other, to be approved and executed like any other. */
export interface NewPlan {
  readonly runbook: Runbook;
  readonly preview: Preview;
  /** From the runbook of the run to the new one. */
  readonly diff: RunbookDiff;
  /** Steps whose results are taken over: they are not run again. */
  readonly carried: readonly StepId[];
  /** The other steps of the new plan, and why each is run. */
  readonly notCarried: readonly NotCarried[];
  /** False when the same was sealed before. */
  readonly isNew: boolean;
}

/** Stores a runbook that was made from a run, and says what became of it. */
export async function storePlan(parts: InstanceParts, source: Runbook, runbook: Runbook, carry: Carry): Promise<NewPlan> {
  const { isNew } = await parts.stores.runbooks.put(runbook);
  const { carried, notCarried } = carry;
  return { runbook, preview: preview(runbook), diff: diffRunbooks(source, runbook), carried, notCarried, isNew };
}

/**
 * Asks the instance's policy for every verb that a new plan would call.
 *
 * @throws {@link RunsealError} `compile.refused` where it does not allow one of them, or gives no answer
 */
export async function assertAllowed(
  parts: InstanceParts,
  plan: { readonly kind: string; readonly past: PastRun; readonly requestedBy: Requester | undefined },
  verbs: readonly string[],
): Promise<void> {
  const { kind, past, requestedBy } = plan;
  const allowed = await allowSetOf(parts.policy, {
    scope: parts.scope,
    invocation: { name: past.runbook.document.name, args: { [kind]: past.state.runId } },
    requestedBy: requestedBy ?? null,
    sessionId: null,
  });
  if (allowed === undefined) throw refused(kind, "no policy said which verbs are allowed");
  const denied = [...new Set(verbs)].filter((verb) => !allowsVerb(allowed, verb.slice(0, verb.lastIndexOf("@"))));
  if (denied.length > 0) throw refused(kind, `the policy does not allow ${denied.map((verb) => `"${verb}"`).join(", ")}`);
}

function refused(kind: string, reason: string): RunsealError<"compile.refused"> {
  return new RunsealError("compile.refused", `the ${kind} was not sealed: ${reason}`, { outcome: "compilation_error", reason });
}
