import type { InstanceParts } from "./parts.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId } from "../model/ids.js";
import type { RunHead, StreamHead } from "../model/run.js";
import { RunsealError } from "../errors/error.js";
import { isRunbookId, runStream } from "../model/ids.js";
import { isStorable } from "../stores/storable-name.js";
import { isTerminal } from "../history/run-head.js";
import { shown } from "./shown.js";

/** A transaction of the host's in which to read first, so that it waits for no second connection. */
export interface Within {
  readonly tx: unknown;
}

/**
 * Reads a runbook of this scope, checked against its id.
 *
 * @throws {@link RunsealError} `runbook.not_found`; `store.corrupt` when its bytes no longer match
 */
export async function readRunbook(parts: InstanceParts, id: string, within?: Within): Promise<Runbook> {
  const { runbooks } = parts.stores;
  const seen = isRunbookId(id) && within !== undefined ? await runbooks.get(parts.scope, id, within) : undefined;
  // what was stored since a transaction took its snapshot is seen by others only
  const runbook = isRunbookId(id) ? (seen ?? (await runbooks.get(parts.scope, id))) : undefined;
  if (runbook !== undefined) return runbook;
  const why = isRunbookId(id)
    ? `scope "${parts.scope}" has no such runbook`
    : 'a runbook id is "rb_" and 64 hex digits; only a sealed runbook can run';
  throw new RunsealError("runbook.not_found", `no runbook "${shown(id)}": ${why}`, {
    scope: parts.scope,
    runbookId: shown(id),
  });
}

/**
 * A runbook of this scope for running it: read once, as what an id names never changes. A document stored later is not seen.
 *
 * @throws {@link RunsealError} as {@link readRunbook}
 */
export async function knownRunbook(parts: InstanceParts, id: string, within?: Within): Promise<Runbook> {
  const known = isRunbookId(id) ? parts.runbooks.get(parts.scope, id) : undefined;
  if (known !== undefined) return known;
  const runbook = await readRunbook(parts, id, within);
  parts.runbooks.keep(parts.scope, runbook);
  return runbook;
}

/** The head of a run's stream, with its run. */
export type FoundRun = StreamHead & { readonly run: RunHead };

/**
 * Reads the head of a run of this scope.
 *
 * @throws {@link RunsealError} `run.not_found`
 */
export async function readRunHead(parts: InstanceParts, runId: RunId): Promise<FoundRun> {
  if (typeof runId !== "string" || !isStorable(runId)) throw runNotFound(parts, shown(runId));
  const head = await parts.stores.reader.head(parts.scope, runStream(runId));
  if (head?.run === null || head?.run === undefined) throw runNotFound(parts, runId);
  return { ...head, run: head.run };
}

/** The run to drive so that another goes on: itself, or, for a child, the outermost parent that has not ended. */
export async function readRoot(parts: InstanceParts, head: FoundRun): Promise<FoundRun> {
  let root = head;
  while (root.run.parent !== null) {
    const parent = await readRunHead(parts, root.run.parent);
    // children of a run that has ended are ended by themselves
    if (isTerminal(parent.run.status)) break;
    root = parent;
  }
  return root;
}

/** The error for a run that the scope does not have. */
export function runNotFound(parts: { readonly scope: string }, runId: RunId): RunsealError {
  return new RunsealError("run.not_found", `scope "${parts.scope}" has no run "${runId}"`, { scope: parts.scope, runId });
}
