import type { Damage, RunVerdict } from "../history/verify-run.js";
import type { Digest, RunId, StreamName } from "../model/ids.js";
import type { InstanceParts } from "./parts.js";
import type { ManifestOf } from "../history/check-artifact.js";
import type { RunProblem } from "../history/run-problem.js";
import type { Runbook } from "../model/runbook.js";
import type { AnyEvent, StoredEvent } from "../model/event.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { artifactProblem } from "../history/check-artifact.js";
import { checkedEvent } from "../history/check-event.js";
import { isDigest, runbookStream, runStream } from "../model/ids.js";
import { namedArtifacts } from "../history/named-artifacts.js";
import { readRunHead } from "./find-runbook.js";
import { submissionOf, verifyRun } from "../history/verify-run.js";

/** A head as `head(runId)` gave it, kept where whoever can write the store can't. */
export interface KeptHead {
  readonly seq: number;
  readonly hash: Digest;
  /** When it is there it must be the run's. */
  readonly stream?: string;
}

/** What {@link verify} may be told. */
export interface VerifyOptions {
  /** Without one, a log that was cut off at its end, or written anew as a whole by somebody who knows the format, looks whole. */
  readonly head?: KeptHead;
}

/**
 * Checks a run against everything that is kept of it: its log, its runbook, its approvals, its artifacts, its head.
 *
 * @throws {@link RunsealError} `run.not_found`; `run.invalid_option` for a head that is none or that of another stream; damage is
 * never thrown but told in the verdict
 */
export async function verify(parts: InstanceParts, runId: RunId, options: VerifyOptions = {}): Promise<RunVerdict> {
  const stream = runStream(runId);
  const kept = options.head === undefined ? {} : { keptHead: assertHead(options.head, stream) };
  const before = await readRunHead(parts, runId);
  const log = await readLog(parts, stream);
  const after = await parts.stores.reader.head(parts.scope, stream);
  // a run that moves on while it is read is judged as it was at the beginning
  const isStill = after?.seq === before.seq;
  const events = isStill ? log.events : log.events.slice(0, before.seq);
  const { runbookId } = before.run;
  const runbook = await readSealed(parts, runbookId);
  const approvals = await readLog(parts, runbookStream(runbookId));
  const sealed = "content" in runbook ? runbook : null;
  const found = [
    ...("content" in runbook ? [] : [runbook]),
    ...(approvals.stopped === undefined ? [] : [approvalsDamaged(approvals.stopped)]),
    ...(await artifactProblems(parts, events, sealed)),
  ];
  return verifyRun({
    scope: parts.scope,
    runId,
    runbook: sealed,
    events,
    approvals: approvals.events,
    projection: before,
    ...(log.stopped !== undefined && { stopped: log.stopped }),
    ...kept,
    found,
  });
}

function assertHead(head: KeptHead, stream: StreamName): KeptHead {
  const refuse = (why: string): RunsealError => new RunsealError("run.invalid_option", `"head" ${why}`, { option: "head" });
  const { seq, hash, stream: of } = head;
  if (!Number.isSafeInteger(seq) || seq < 0 || !isDigest(hash)) throw refuse("must be what head(runId) gave: { seq, hash }");
  if (of !== undefined && of !== stream) throw refuse(`is that of "${of}", not of "${stream}"`);
  return { seq, hash };
}

interface Log {
  readonly events: readonly StoredEvent[];
  /** Where reading stopped because the store found damage; absent when it reached the end. */
  readonly stopped?: Damage;
}

async function readLog(parts: InstanceParts, stream: StreamName): Promise<Log> {
  const events: StoredEvent[] = [];
  try {
    for await (const event of parts.stores.reader.read(parts.scope, stream)) events.push(event);
    return { events };
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    return { events, stopped: { seq: error.details.seq ?? events.length + 1, why: error.message } };
  }
}

function approvalsDamaged({ why }: Damage): RunProblem {
  return { seq: null, rule: "approvals_damaged", message: why };
}

async function readSealed(parts: InstanceParts, id: Runbook["id"]): Promise<Runbook | RunProblem> {
  try {
    const runbook = await parts.stores.runbooks.get(parts.scope, id);
    return runbook ?? { seq: null, rule: "runbook_missing", message: `the runbook "${id}" is not there` };
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    return { seq: null, rule: "runbook_digest", message: error.message };
  }
}

/** Reads every artifact that the log names, one at a time: they may be large. */
async function artifactProblems(
  parts: InstanceParts,
  stored: readonly StoredEvent[],
  runbook: Runbook | null,
): Promise<readonly RunProblem[]> {
  const submission = submissionOf(stored);
  const manifestOf: ManifestOf | undefined = runbook === null || submission === undefined ? undefined : { runbook, submission };
  const problems: RunProblem[] = [];
  for (const named of namedArtifacts(readable(stored))) {
    const problem = artifactProblem(named, await bytesOf(parts, named.id), manifestOf);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

function readable(stored: readonly StoredEvent[]): readonly AnyEvent[] {
  return stored.flatMap((each) => {
    const checked = checkedEvent(each);
    return "event" in checked ? [checked.event] : [];
  });
}

async function bytesOf(parts: InstanceParts, id: Digest): Promise<Uint8Array | "damaged" | undefined> {
  try {
    return (await parts.stores.artifacts.get(parts.scope, id))?.bytes;
  } catch (error) {
    if (isRunsealError(error, "store.corrupt")) return "damaged";
    throw error;
  }
}
