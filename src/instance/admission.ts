import type { ApprovalState } from "../model/approval.js";
import type { ContractProblem } from "./contract-problems.js";
import type { InstanceParts } from "./parts.js";
import type { Runbook } from "../model/runbook.js";
import type { SealedLookup } from "../model/envelope.js";
import type { Soon } from "../engine/soon.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { amendableHead } from "../engine/end-amended.js";
import { approvalToken, judgeApprovals } from "../history/approvals.js";
import { askLookup } from "./ask-lookup.js";
import { canonicalize } from "../json/canonical.js";
import { consumed, readApprovals } from "./approve.js";
import type { ReadApprovals } from "./approve.js";
import { cleanValue, knownIn } from "../engine/keep-secret.js";
import { collectSecretNames } from "../secrets/reference.js";
import { contractProblems } from "./contract-problems.js";
import { RESPONSE_TAG } from "../compile/lookups.js";
import { digestOf } from "../json/digest.js";

/** What an admitted run spends when it starts. */
export interface Admission {
  readonly spend: readonly { readonly nonce: string; readonly token: string }[];
  readonly head: ReadApprovals["head"];
}

/**
 * Everything that stands between a runbook and its first effect, all at once (decision 3.2). Calls no handler.
 *
 * `forStart` false: a run that was started before; its approvals are spent.
 */
export async function blockersOf(parts: InstanceParts, runbook: Runbook, forStart: boolean): Promise<readonly RunsealError[]> {
  const blockers = [
    ...contractBlockers(parts, runbook),
    ...lockBlockers(parts, runbook),
    ...(await secretBlockers(parts, runbook)),
  ];
  if (forStart) {
    const { approvals } = await readApprovals(parts, runbook.id);
    const refusal = approvalBlocker(parts, runbook, approvals, await parts.stores.leases.now());
    if (refusal !== undefined) blockers.push(refusal);
    const stale = await amendBlocker(parts, runbook);
    if (stale !== undefined) blockers.push(stale);
  }
  return blockers;
}

const NO_APPROVALS: ReadApprovals = { approvals: [], head: { seq: 0, hash: "" } };

/**
 * Admits a runbook that is about to start.
 *
 * @throws {@link RunsealError} the one blocker, or `admission.refused` naming them all; `admission.plan_stale` when the world
 *   answers a lookup differently than when the plan was sealed
 */
export async function admitStart(parts: InstanceParts, runbook: Runbook): Promise<Admission> {
  // where the policy asks for none, nobody's approval is read and none is spent
  const isNeeded = parts.approvals?.appliesTo(runbook) === true;
  const { approvals, head } = isNeeded ? await readApprovals(parts, runbook.id) : NO_APPROVALS;
  const nowMs = isNeeded ? await parts.stores.leases.now() : 0;
  const refusal = approvalBlocker(parts, runbook, approvals, nowMs);
  const { basis, lookups } = runbook.content.core;
  const stale = basis === undefined ? undefined : await amendBlocker(parts, runbook);
  throwBlockers([
    ...contractBlockers(parts, runbook),
    ...lockBlockers(parts, runbook),
    ...(await secretBlockers(parts, runbook)),
    ...[refusal, stale].filter((blocker) => blocker !== undefined),
  ]);
  if (lookups.length > 0) await recheckLookups(parts, runbook, ["at_admission", "on_resume"]);
  const verdict = judgeApprovals(parts.approvals, runbook, approvals, nowMs);
  const granted = verdict.kind === "granted" ? verdict.approvals : [];
  return { spend: granted.map((approval) => ({ nonce: approval.nonce, token: approvalToken(approval) })), head };
}

/**
 * Admits a run that goes on: its contracts and handlers, and the lookups to be asked again on resume.
 *
 * @throws as {@link admitStart}
 */
export async function admitResume(parts: InstanceParts, runbook: Runbook): Promise<void> {
  throwBlockers([
    ...contractBlockers(parts, runbook),
    ...lockBlockers(parts, runbook),
    ...(await secretBlockers(parts, runbook)),
  ]);
  await recheckLookups(parts, runbook, ["on_resume"]);
}

/**
 * Admits a child run: its parent's approval covers it.
 *
 * @throws as {@link admitStart}, approvals apart
 */
export async function admitChild(parts: InstanceParts, runbook: Runbook): Promise<void> {
  throwBlockers([...contractBlockers(parts, runbook), ...lockBlockers(parts, runbook)]);
  await recheckLookups(parts, runbook, ["at_admission", "on_resume"]);
}

function throwBlockers(blockers: readonly RunsealError[]): void {
  const [first, ...others] = blockers;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  throw new RunsealError(
    "admission.refused",
    `${blockers.length} things are in the way: ${blockers.map((blocker) => blocker.message).join("; ")}`,
    {
      blockers: blockers.map((blocker) => blocker.code),
    },
  );
}

function contractBlockers(parts: InstanceParts, runbook: Runbook): readonly RunsealError[] {
  return contractProblems(parts, runbook).map(contractBlocker);
}

function contractBlocker({ verb, reason, sealed, current, message }: ContractProblem): RunsealError {
  if (reason === "handler_missing") {
    return new RunsealError("admission.handler_missing", `nothing carries out "${verb}": give the instance a handler for it`, {
      verb,
    });
  }
  return new RunsealError(
    "admission.contract_drift",
    `the runbook was sealed against another "${verb}": ${message}; seal it again`,
    { verb, sealed, current },
  );
}

function secretBlockers(parts: InstanceParts, runbook: Runbook): Soon<readonly RunsealError[]> {
  const names = new Set<string>();
  for (const step of runbook.steps) collectSecretNames(step.args, names);
  return names.size === 0 ? [] : unresolved(parts, [...names].sort());
}

async function unresolved({ engine, scope }: InstanceParts, names: readonly string[]): Promise<readonly RunsealError[]> {
  const blockers: RunsealError[] = [];
  for (const name of names) {
    if ((await engine.secrets?.isResolvable(scope, name)) === true) continue;
    const message = `the arguments refer to the secret "${name}", which the option "secrets" does not give`;
    blockers.push(new RunsealError("admission.secret_unresolved", message, { name }));
  }
  return blockers;
}

function lockBlockers(parts: InstanceParts, runbook: Runbook): readonly RunsealError[] {
  const writes = runbook.steps.reduce((count, step) => count + step.writes.length + step.lateWrites.length, 0);
  if (writes === 0 || parts.stores.locks !== undefined || parts.engine.options?.isUnlocked === true) return [];
  return [
    new RunsealError("lock.required", `"${runbook.id}" writes ${writes} entities and these stores have no lock manager`, {
      runbookId: runbook.id,
      writeSetSize: writes,
    }),
  ];
}

/** Whether the run that a runbook amends has gone on since it was sealed. */
async function amendBlocker(parts: InstanceParts, runbook: Runbook): Promise<RunsealError | undefined> {
  const { basis } = runbook.content.core;
  if (basis?.kind !== "amend") return undefined;
  try {
    await amendableHead(parts, parts.scope, basis, runbook.id);
    return undefined;
  } catch (error) {
    if (isRunsealError(error, "admission.plan_stale")) return error;
    throw error;
  }
}

function approvalBlocker(
  parts: InstanceParts,
  runbook: Runbook,
  approvals: readonly ApprovalState[],
  nowMs: number,
): RunsealError | undefined {
  const verdict = judgeApprovals(parts.approvals, runbook, approvals, nowMs);
  const runbookId = runbook.id;
  switch (verdict.kind) {
    case "not_needed":
    case "granted":
      return undefined;
    case "missing":
      return new RunsealError(
        "admission.approval_missing",
        `"${runbookId}" needs ${verdict.needed} approvals and has ${verdict.present}`,
        {
          runbookId,
          needed: verdict.needed,
          present: verdict.present,
        },
      );
    case "expired":
      return new RunsealError("admission.approval_expired", `the approval of "${runbookId}" has expired: ask for a new one`, {
        runbookId,
        expiredAt: verdict.expiredAt,
      });
    case "rejected":
      return new RunsealError("admission.approval_refused", `"${runbookId}" was rejected by "${verdict.by}"`, {
        runbookId,
        reason: "rejected",
      });
    case "consumed":
      return consumed(runbookId, verdict.runId);
  }
}

async function recheckLookups(parts: InstanceParts, runbook: Runbook, which: readonly SealedLookup["recheck"][]): Promise<void> {
  for (const lookup of runbook.content.core.lookups) {
    if (!which.includes(lookup.recheck)) continue;
    const response = await askLookup(parts, lookup);
    if (digestOf(RESPONSE_TAG, response) === lookup.responseDigest) continue;
    const was = runbook.envelope.lookups.find((audit) => audit.path === lookup.path)?.response ?? null;
    const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
    const before = shorten(canonicalize(was));
    const now = shorten(canonicalize(cleanValue(response, knownIn(parts.engine, parts.scope))));
    throw new RunsealError(
      "admission.plan_stale",
      `the answer of "${lookup.path}" (${lookup.verb}) has changed from ${before} to ${now}: compile again`,
      {
        path: lookup.path,
        was: before,
        now,
      },
    );
  }
}
