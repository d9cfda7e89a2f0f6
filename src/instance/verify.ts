import type { Digest, RunId } from "../model/ids.js";
import type { InstanceParts } from "./parts.js";
import type { RunProblem, RunVerdict } from "../history/verify-run.js";
import type { Runbook } from "../model/runbook.js";
import type { StoredEvent } from "../model/event.js";
import { eventOf } from "../history/read-event.js";
import { isRunsealError } from "../errors/error.js";
import { readRunHead } from "./find-runbook.js";
import { runStream } from "../model/ids.js";
import { verifyChain } from "../history/verify-chain.js";
import { verifyRun } from "../history/verify-run.js";

/**
 * Checks a run against its log, its runbook, its head and its artifacts: chain, digests, fold.
 *
 * @throws {@link RunsealError} `run.not_found`; damage is never thrown but told in the verdict
 */
export async function verify(parts: InstanceParts, runId: RunId): Promise<RunVerdict> {
  const head = await readRunHead(parts, runId);
  const log = await readLog(parts, runId);
  const runbook = await readSealed(parts, head.run.runbookId);
  if (!("content" in runbook)) return chainOnly(parts, runId, log, runbook);
  const artifacts = await presentArtifacts(parts, log.events);
  const verdict = verifyRun({
    scope: parts.scope,
    runId,
    runbook,
    events: log.events,
    head,
    hasArtifact: (id) => artifacts.has(id),
  });
  return { ...verdict, integrity: log.broken ?? verdict.integrity };
}

interface Log {
  readonly events: readonly StoredEvent[];
  /** Where reading stopped because the store found damage; absent when it reached the end. */
  readonly broken?: { readonly seq: number; readonly why: string };
}

async function readLog(parts: InstanceParts, runId: RunId): Promise<Log> {
  const events: StoredEvent[] = [];
  try {
    for await (const event of parts.stores.reader.read(parts.scope, runStream(runId))) events.push(event);
    return { events };
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    return { events, broken: { seq: error.details.seq ?? events.length + 1, why: error.message } };
  }
}

async function readSealed(parts: InstanceParts, id: Runbook["id"]): Promise<Runbook | RunProblem> {
  try {
    const runbook = await parts.stores.runbooks.get(parts.scope, id);
    return runbook ?? { seq: null, rule: "runbook_digest", message: `the runbook "${id}" is not there` };
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    return { seq: null, rule: "runbook_digest", message: error.message };
  }
}

function chainOnly(parts: InstanceParts, runId: RunId, log: Log, problem: RunProblem): RunVerdict {
  const chain = verifyChain(parts.scope, runStream(runId), log.events);
  return { ...chain, integrity: log.broken ?? chain.integrity, status: null, events: log.events.length, problems: [problem] };
}

/** The artifacts that the log names and that are there with the right bytes. */
async function presentArtifacts(parts: InstanceParts, events: readonly StoredEvent[]): Promise<ReadonlySet<Digest>> {
  const present = new Set<Digest>();
  for (const stored of events) {
    const event = eventOf(stored);
    if (event.kind === "artifact.written" && (await isThere(parts, event.payload.artifactId)))
      present.add(event.payload.artifactId);
  }
  return present;
}

async function isThere(parts: InstanceParts, id: Digest): Promise<boolean> {
  try {
    return (await parts.stores.artifacts.get(parts.scope, id)) !== undefined;
  } catch (error) {
    if (isRunsealError(error, "store.corrupt")) return false;
    throw error;
  }
}
