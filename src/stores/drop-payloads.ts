import type { EventDraft } from "../model/event.js";
import type { RunId, Scope } from "../model/ids.js";
import type { Stores } from "./stores.js";
import { RunsealError } from "../errors/error.js";
import { chainEvent } from "../history/chain.js";
import { isTerminal } from "../history/run-head.js";
import { runStream } from "../model/ids.js";

/** What {@link dropPayloads} drops, and why. */
export interface PayloadRange {
  readonly scope: Scope;
  readonly runId: RunId;
  /** From 1. */
  readonly fromSeq: number;
  /** Of the events that are there; the last one included. */
  readonly toSeq: number;
  /** Recorded for ever: nothing personal. */
  readonly reason: string;
}

/**
 * Drops the payloads of a range of events of a run that has ended: writes `payload.dropped` first, then drops the texts.
 *
 * Digests and hashes stay, so that `verify` gives integrity `ok` and completeness `partial`. Payloads of `run.*`, `lease.*` and
 * `payload.dropped` stay. When it fails in between, the event is there and the texts too; calling it again drops them.
 *
 * @param stores - with `retention`, opened as a role that may
 * @returns how many payloads were dropped
 * @throws {@link RunsealError} `run.not_found`; `run.not_at_rest` when the run has not ended; `run.invalid_option` for a range that the log
 * does not have, and stores without retention; `store.conflict` when somebody else wrote at the same moment; `store.permission`
 */
export async function dropPayloads(stores: Stores, range: PayloadRange): Promise<number> {
  const { scope, runId, fromSeq, toSeq, reason } = range;
  const { retention } = stores;
  if (retention === undefined) throw invalid("stores", "can't drop payloads: they have no retention");
  const stream = runStream(runId);
  const head = await stores.reader.head(scope, stream);
  if (head === undefined || head.run === null)
    throw new RunsealError("run.not_found", `there is no run "${runId}"`, { scope, runId });
  const { status } = head.run;
  if (!isTerminal(status)) {
    throw new RunsealError("run.not_at_rest", `run "${runId}" is ${status}; only what has ended is forgotten`, { runId, status });
  }
  if (!Number.isInteger(fromSeq) || fromSeq < 1 || fromSeq > head.seq) throw invalid("fromSeq", `must be from 1 to ${head.seq}`);
  if (!Number.isInteger(toSeq) || toSeq < fromSeq || toSeq > head.seq)
    throw invalid("toSeq", `must be from ${fromSeq} to ${head.seq}`);
  const draft: EventDraft = { kind: "payload.dropped", payload: { fromSeq, toSeq, reason } };
  const events = [chainEvent(head, draft, head.epoch)];
  const answer = await stores.events.commit([{ scope, stream, expectedSeq: head.seq, fence: null, events, artifacts: [] }]);
  if (answer.kind !== "committed") {
    const actualSeq = answer.kind === "conflict" ? answer.actualSeq : head.seq;
    const details = { stream, expectedSeq: head.seq, actualSeq };
    throw new RunsealError("store.conflict", `somebody else wrote to "${stream}"; call again`, details);
  }
  return retention.drop(scope, stream);
}

function invalid(option: string, why: string): RunsealError<"run.invalid_option"> {
  return new RunsealError("run.invalid_option", `"${option}" ${why}`, { option });
}
