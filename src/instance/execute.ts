import type { ActiveRun } from "./active-runs.js";
import type { DriveEnd } from "../engine/drive-end.js";
import type { FoundRun, Within } from "./find-runbook.js";
import type { InstanceParts } from "./parts.js";
import type { NormalRunOptions, RunOptions } from "./run-options.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId } from "../model/ids.js";
import type { RunLimit } from "../stores/event-store.js";
import { DriveSwitch } from "../engine/drive-switch.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { admitChild, admitResume, admitStart, type Admission } from "./admission.js";
import { beginRun } from "../engine/begin-run.js";
import { claimRun } from "../engine/claim-run.js";
import { driveRun } from "../engine/drive-run.js";
import { isTerminal } from "../history/run-head.js";
import { knownRunbook, readRoot, readRunbook, readRunHead } from "./find-runbook.js";
import { normalRunOptions } from "./run-options.js";
import { refuseSecret } from "./refuse-secret.js";
import { type Submitted, submitRun } from "../engine/submit-run.js";

/** Starts tried when approvals of the same runbook change at the same time. */
const START_TRIES_MAX = 10;

/**
 * Stores a run of a runbook and leaves it to whoever works on its queue.
 *
 * @returns the new run, or the one that this runbook (uses once) or dedupKey (uses many) already has
 * @throws {@link RunsealError} `runbook.not_found`, `run.invalid_option`, `run.dedup_conflict`
 */
export async function submit(parts: InstanceParts, id: string, options: RunOptions = {}): Promise<RunId> {
  const runbook = await knownRunbook(parts, id);
  return (await submitRunbook(parts, runbook, soundOptions(parts, options))).runId;
}

/**
 * {@link submit} as part of a transaction of the host's: the run is there once that is committed, and nobody hears of it before.
 *
 * @throws {@link RunsealError} what {@link submit} throws; `run.invalid_option` when `tx` is no open transaction of the instance's stores
 */
export async function enqueue(parts: InstanceParts, tx: unknown, id: string, options: RunOptions = {}): Promise<RunId> {
  if (tx === undefined || tx === null) {
    const message = "enqueue takes the transaction that the run is part of; without one, call submit";
    throw new RunsealError("run.invalid_option", message, { option: "tx" });
  }
  const runbook = await knownRunbook(parts, id, { tx });
  return (await submitRunbook(parts, runbook, soundOptions(parts, options), { tx })).runId;
}

/**
 * Runs a runbook here: the run exists and has started, in one commit, when this comes back; the rest goes on in the background.
 *
 * @throws {@link RunsealError} what {@link submit} throws, and every refusal of admission; then no run is left unless one was there
 */
export async function execute(parts: InstanceParts, id: string, options: RunOptions = {}): Promise<RunId> {
  const runbook = await knownRunbook(parts, id);
  const normal = soundOptions(parts, options);
  const request = { scope: parts.scope, runbook, parent: null, by: null, build: parts.build, ...normal };
  const runId = parts.engine.env.uuid();
  for (let attempt = 0; attempt < START_TRIES_MAX; attempt += 1) {
    const admission = await admissionOf(parts, runbook);
    if ("error" in admission) return earlierOr(admission.error, await findEarlier(parts, runbook, normal));
    if (normal.dedupKey !== null) await refuseOtherUse(parts, runbook, normal.dedupKey);
    const begun = await beginRun(parts.engine, { runId, approvals: admission.approvals, ...request });
    if (begun.kind === "exists") return startEarlier(parts, runbook, begun.runId);
    if (begun.kind === "claimed") {
      drive(parts, runId, begun.run);
      return runId;
    }
    if (!isRunsealError(begun.error, "store.conflict")) throw begun.error;
  }
  throw movedTooOften(runId);
}

/** Starts the run that is there already, if nobody has. */
async function startEarlier(parts: InstanceParts, runbook: Runbook, runId: RunId): Promise<RunId> {
  const head = await readRunHead(parts, runId);
  if (head.run.status === "queued") await startHere(parts, runbook, runId, { head });
  return runId;
}

/** What a runbook spends when it starts, or why it can't start now. */
async function admissionOf(
  parts: InstanceParts,
  runbook: Runbook,
): Promise<{ readonly approvals: Admission } | { readonly error: unknown }> {
  try {
    return { approvals: await admitStart(parts, runbook) };
  } catch (error) {
    return { error };
  }
}

/** A run that is there already is given whatever keeps another from starting. */
function earlierOr(error: unknown, earlier: RunId | undefined): RunId {
  if (earlier === undefined) throw error;
  return earlier;
}

/** Options are stored as they are, and looked up again: nothing in them is redacted. */
function soundOptions(parts: InstanceParts, options: RunOptions): NormalRunOptions {
  const normal = normalRunOptions(options);
  refuseSecret(parts, { labels: normal.labels, queue: normal.queue, dedupKey: normal.dedupKey }, "an option of the run");
  return normal;
}

/** How a worker takes a run. */
export interface Taking {
  /** Ceilings that the claim keeps. */
  readonly limits?: readonly RunLimit[];
  /** The head as it was read to find the run. */
  readonly head?: FoundRun;
}

/**
 * Claims a queued run and drives it here.
 *
 * A run that somebody else has taken meanwhile is left to them.
 * @throws {@link RunsealError} refusals of admission
 */
export async function startHere(
  parts: InstanceParts,
  runbook: Runbook,
  runId: RunId,
  taking: Taking = {},
): Promise<ActiveRun | undefined> {
  for (let attempt = 0; attempt < START_TRIES_MAX; attempt += 1) {
    const approvals = await admitStart(parts, runbook);
    const claim = await claimRun(parts.engine, {
      scope: parts.scope,
      runId,
      runbook,
      reason: "requested",
      build: parts.build,
      approvals,
      ...(taking.limits !== undefined && { limits: taking.limits }),
      // what was read before the first try may have been its undoing
      ...(taking.head !== undefined && attempt === 0 && { head: taking.head }),
    });
    if (claim.kind === "claimed") return drive(parts, runId, claim.run);
    if (isTakenByOther(claim.error)) return undefined;
    if (!isRunsealError(claim.error, "store.conflict")) throw claim.error;
  }
  throw movedTooOften(runId);
}

function movedTooOften(runId: RunId): RunsealError<"store.conflict"> {
  const message = `run "${runId}" or its approvals changed under each of ${START_TRIES_MAX} starts`;
  return new RunsealError("store.conflict", message, { stream: `run/${runId}`, expectedSeq: 0, actualSeq: 0 });
}

/**
 * Goes on with a run here, from the event after its last. A child goes on with the run that it belongs to.
 *
 * @throws {@link RunsealError} `run.not_found`, `lease.held` naming a living owner, and refusals of admission
 */
export async function resume(
  parts: InstanceParts,
  runId: RunId,
  reason: "requested" | "wake" | "recovered" = "requested",
): Promise<void> {
  const asked = await readRunHead(parts, runId);
  if (isTerminal(asked.run.status)) return;
  const head = await readRoot(parts, asked);
  const { status } = head.run;
  if (parts.active.get(head.run.runId) !== undefined) return;
  const runbook = await readRunbook(parts, head.run.runbookId);
  if (status === "queued") await startHere(parts, runbook, head.run.runId);
  else await resumeHere(parts, runbook, head.run.runId, reason);
}

/**
 * Claims a run that has started before and drives it on here; `undefined` when it has ended meanwhile.
 *
 * @throws {@link RunsealError} as {@link resume}
 */
export async function resumeHere(
  parts: InstanceParts,
  runbook: Runbook,
  runId: RunId,
  reason: "requested" | "wake" | "recovered",
  taking: Taking = {},
): Promise<ActiveRun | undefined> {
  await admitResume(parts, runbook);
  const { scope, build } = parts;
  const claim = await claimRun(parts.engine, { scope, runId, runbook, reason, build, approvals: null, ...taking });
  if (claim.kind === "claimed") return drive(parts, runId, claim.run);
  if (!isRunsealError(claim.error, "run.terminal")) throw claim.error;
  return undefined;
}

/**
 * Claims and resumes, here and once, every run of the scope whose owner is dead or whose time has come.
 *
 * @returns the ids of the runs that this process now drives
 */
export async function recover(parts: InstanceParts): Promise<readonly RunId[]> {
  const taken: RunId[] = [];
  for (const head of await parts.stores.runs.due({ scope: parts.scope, queues: null, limit: 1000 })) {
    if (head.run === null || parts.active.get(head.run.runId) !== undefined) continue;
    try {
      await resume(parts, head.run.runId, "recovered");
      taken.push(head.run.runId);
    } catch (error) {
      if (!isRunsealError(error)) throw error;
      parts.engine.log?.({
        runId: head.run.runId,
        stepId: "",
        message: `not recovered: ${error.message}`,
        fields: { code: error.code },
      });
    }
  }
  return taken;
}

/** Drives a claimed run in the background and remembers it until it rests. */
function drive(parts: InstanceParts, runId: RunId, run: Parameters<typeof driveRun>[1]): ActiveRun {
  const drain = new DriveSwitch();
  const abandon = new DriveSwitch();
  const partsOf = { ...parts.engine, admitChild: (_scope: string, runbook: Runbook) => admitChild(parts, runbook) };
  const end: Promise<DriveEnd> = driveRun(partsOf, run, { drain, abandon });
  const active = { end, drain, abandon };
  parts.active.add(runId, active);
  return active;
}

function isTakenByOther(error: RunsealError): boolean {
  return isRunsealError(error, "lease.held") || isRunsealError(error, "lease.stale") || isRunsealError(error, "run.terminal");
}

async function submitRunbook(
  parts: InstanceParts,
  runbook: Runbook,
  options: NormalRunOptions,
  within?: Within,
): Promise<Submitted> {
  if (options.dedupKey !== null) await refuseOtherUse(parts, runbook, options.dedupKey, within);
  return submitRun(parts.engine, { scope: parts.scope, runbook, ...options, parent: null, by: null }, within);
}

/** The store keeps a dedupKey unique for runbooks of many uses; this says the same of runbooks that run once. */
async function refuseOtherUse(parts: InstanceParts, runbook: Runbook, dedupKey: string, within?: Within): Promise<void> {
  const [head] = await parts.stores.runs.list(parts.scope, { dedupKey, limit: 1 }, within);
  if (head?.run === null || head?.run === undefined || head.run.runbookId === runbook.id) return;
  const { runId, runbookId } = head.run;
  throw new RunsealError("run.dedup_conflict", `the dedupKey "${dedupKey}" belongs to run "${runId}" of "${runbookId}"`, {
    dedupKey,
    runId,
    runbookId,
  });
}

async function findEarlier(parts: InstanceParts, runbook: Runbook, options: NormalRunOptions): Promise<RunId | undefined> {
  const useKey =
    runbook.content.uses === "once" ? `once:${runbook.id}` : options.dedupKey === null ? undefined : `dedup:${options.dedupKey}`;
  if (useKey === undefined) return undefined;
  const [head] = await parts.stores.runs.list(parts.scope, { useKey, limit: 1 });
  return head?.run?.runId;
}
