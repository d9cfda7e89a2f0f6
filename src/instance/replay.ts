import type { AnyEvent, StoredEvent } from "../model/event.js";
import type { Divergence, ReplayMode, ReplayReport } from "../model/replay-report.js";
import type { InstanceParts } from "./parts.js";
import type { RunId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { approvalProblems } from "../history/verify-approvals.js";
import { eventOf, isKnown } from "../history/read-event.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { replayLog } from "../engine/replay-log.js";
import { runStream, runbookStream } from "../model/ids.js";
import { shown } from "./shown.js";

/** How far the clocks of store and process may lie apart unless the caller says otherwise, milliseconds. */
const TOLERANCE_MS = 1_000;

/** What {@link replay} may be told. */
export interface ReplayOptions {
  /** Default `replay_decisions`; `re_simulate_nodes` is another word for `re_simulate`. */
  readonly mode?: ReplayMode | "re_simulate_nodes";
  /** How far a retry, the end of a wait or the deadline may lie outside of what policy and recorded time allow. Default 1,000. */
  readonly toleranceMs?: number;
}

/**
 * Does a run again from its record, and says in what it differs. A run that goes on meanwhile is replayed as far as it had come.
 *
 * Calls no handler of a verb that writes, takes no lock, and writes nothing (decision 3.17).
 *
 * @throws {@link RunsealError} `run.not_found`; `run.invalid_option`; `run.unsupported_event` when a later version wrote in the log;
 * `replay.incomplete` when retention dropped payloads; `store.corrupt` when the chain is damaged: ask `verify`
 */
export async function replay(parts: InstanceParts, runId: RunId, options: ReplayOptions = {}): Promise<ReplayReport> {
  const mode = modeOf(options.mode);
  const toleranceMs = toleranceOf(options.toleranceMs);
  const head = await readRunHead(parts, runId);
  const runbook = await readRunbook(parts, head.run.runbookId);
  const events: AnyEvent[] = [];
  for await (const stored of parts.stores.reader.read(parts.scope, runStream(runId), { toSeq: head.seq })) {
    events.push(readable(runId, stored));
  }
  return replayLog({
    scope: parts.scope,
    runId,
    runbook,
    events,
    mode,
    toleranceMs,
    artifacts: parts.stores.artifacts,
    handlers: parts.engine.handlers,
    env: parts.engine.env,
    found: await approvalDivergences(parts, runId, runbook.id, events),
  });
}

async function approvalDivergences(
  parts: InstanceParts,
  runId: RunId,
  runbookId: Parameters<typeof runbookStream>[0],
  events: readonly AnyEvent[],
): Promise<readonly Divergence[]> {
  const { scope, stores } = parts;
  const stream: StoredEvent[] = [];
  for await (const stored of stores.reader.read(scope, runbookStream(runbookId))) stream.push(stored);
  return approvalProblems({ scope, runId, runbookId }, events, stream).map(({ seq, message }) =>
    Object.freeze({ kind: "authority", seq, stepId: null, expected: "an approval that covers the run", found: null, message }),
  );
}

function readable(runId: RunId, stored: StoredEvent): AnyEvent {
  const { seq, kind, v } = stored;
  if (stored.payloadText === "") {
    const message = `the payload of event ${seq} of run "${runId}" was dropped: without it nothing can be done again`;
    throw new RunsealError("replay.incomplete", message, { runId, seq });
  }
  if (isKnown(stored)) return eventOf(stored);
  const message = `event ${seq} of run "${runId}" is ${kind} version ${v}, which a later version of this package wrote; replay with that`;
  throw new RunsealError("run.unsupported_event", message, { runId, seq, kind, v });
}

function modeOf(mode: unknown = "replay_decisions"): ReplayMode {
  if (mode === "re_simulate" || mode === "re_simulate_nodes") return "re_simulate";
  if (mode === "replay_decisions") return mode;
  const message = `a run is replayed as replay_decisions or re_simulate, not as ${shown(mode)}`;
  throw new RunsealError("run.invalid_option", message, { option: "mode" });
}

function toleranceOf(ms: unknown = TOLERANCE_MS): number {
  if (typeof ms === "number" && Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new RunsealError("run.invalid_option", '"toleranceMs" is a whole number of milliseconds', { option: "toleranceMs" });
}
