import type { ContractChange } from "../review/contract-changes.js";
import type { Digest, StepId } from "../model/ids.js";
import type { InstanceParts } from "./parts.js";
import type { Runbook } from "../model/runbook.js";
import type { SealedStep } from "../model/step.js";
import type { VerbRef } from "../model/verb.js";
import { basisStepsOf, isCarried } from "../model/basis-steps.js";
import { contractChanges } from "../review/contract-changes.js";
import { isServed } from "./handler-table.js";
import { verbRef } from "../model/verb.js";

/** Why a verb of a runbook can't be carried out with this catalog and these handlers. */
export interface ContractProblem {
  readonly verb: VerbRef;
  /** The steps that call it, in plan order. */
  readonly stepIds: readonly StepId[];
  /** `version_missing`: the catalog has other versions of the verb. */
  readonly reason: "verb_missing" | "version_missing" | "contract_changed" | "handler_missing";
  /** Digest of the contract that the runbook was sealed against. */
  readonly sealed: Digest;
  /** Digest of the catalog's; `null` = it has none. */
  readonly current: Digest | null;
  /** Where the two contracts differ; empty unless `contract_changed`. */
  readonly changes: readonly ContractChange[];
  readonly message: string;
}

/**
 * What this catalog and these handlers lack for a runbook, one finding a verb, in order of first use (decisions 1.7, 3.2).
 *
 * Cost: linear in the steps.
 */
export function contractProblems(parts: InstanceParts, runbook: Runbook): readonly ContractProblem[] {
  const byVerb = new Map<VerbRef, SealedStep[]>();
  const taken = basisStepsOf(runbook.content);
  for (const step of runbook.steps) {
    if (isCarried(taken, step.id)) continue;
    const known = byVerb.get(step.verb);
    if (known === undefined) byVerb.set(step.verb, [step]);
    else known.push(step);
  }
  return [...byVerb.values()].flatMap((steps) => problemOf(parts, runbook, steps));
}

function problemOf(parts: InstanceParts, runbook: Runbook, steps: readonly SealedStep[]): readonly ContractProblem[] {
  const [first] = steps;
  if (first === undefined) return [];
  const { verb, contract } = first;
  const entry = parts.table.entry(verb);
  const base = { verb, stepIds: steps.map((step) => step.id), sealed: contract, current: entry?.contract.digest ?? null };
  if (entry === undefined) return [{ ...base, ...missing(parts, verb), changes: [] }];
  if (entry.contract.digest !== contract) {
    const sealed = runbook.contracts.find((candidate) => candidate.digest === contract);
    const changes = sealed === undefined ? [] : contractChanges(sealed, entry.contract);
    const where = changes.length === 0 ? "" : ` at ${changes.map((change) => change.path).join(", ")}`;
    const message = `the catalog's contract of it has changed${where}`;
    return [{ ...base, reason: "contract_changed", changes, message }];
  }
  if (isServed(entry)) return [];
  return [{ ...base, reason: "handler_missing", changes: [], message: "this instance has no handler for it" }];
}

function missing(parts: InstanceParts, verb: VerbRef): Pick<ContractProblem, "reason" | "message"> {
  const name = verb.slice(0, verb.lastIndexOf("@"));
  const others = parts.catalog.verbs.filter((candidate) => candidate.name === name).map(verbRef);
  if (others.length === 0) return { reason: "verb_missing", message: "the catalog has no such verb" };
  return { reason: "version_missing", message: `the catalog has no such version, only ${others.join(", ")}` };
}
