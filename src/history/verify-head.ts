import type { ChainHead } from "./chain.js";
import type { Digest } from "../model/ids.js";
import type { RunProblem } from "./run-problem.js";
import type { StoredEvent } from "../model/event.js";
import type { StreamHead } from "../model/run.js";
import { runHeadOf } from "./run-head.js";

/**
 * Holds a log against a head that was kept elsewhere: the only thing that shows a log that was cut off at its end, or written anew
 * as a whole (decision 4.2). A log that has grown since is fine.
 *
 * @param kept - what `head(runId)` gave at some time
 * @param end - of the part of the log that can be trusted
 * @param isBroken - whether there is more of the log than that
 */
export function keptHeadProblem(
  kept: { readonly seq: number; readonly hash: Digest },
  end: ChainHead,
  events: readonly StoredEvent[],
  isBroken: boolean,
): readonly RunProblem[] {
  if (kept.seq > end.seq) {
    if (isBroken) return [];
    const message = `the log ends at ${end.seq}, and the kept head is at ${kept.seq}`;
    return [{ seq: null, rule: "log_truncated", message }];
  }
  const hash = kept.seq === 0 ? kept.hash : events[kept.seq - 1]?.hash;
  if (hash === kept.hash) return [];
  return [{ seq: kept.seq, rule: "log_rewritten", message: `event ${kept.seq} does not have the hash of the kept head` }];
}

/**
 * Holds the head that a store keeps beside a log against the log.
 *
 * @param hasUnknown - events of a later version are in the log: what they did to status and reason is not known here
 */
export function projectionProblems(
  events: readonly StoredEvent[],
  head: StreamHead | null,
  hasUnknown: boolean,
): readonly RunProblem[] {
  const derived = derivedHead(events);
  if (typeof derived === "string") return [{ seq: null, rule: "log_unreadable", message: derived }];
  if (derived === null || head === null) {
    return derived === head ? [] : [differs("presence", derived === null ? "none" : "there", head === null ? "none" : "there")];
  }
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["seq", derived.seq, head.seq],
    ["hash", derived.hash, head.hash],
    ["epoch", derived.epoch, head.epoch],
    ["runbookId", derived.run?.runbookId, head.run?.runbookId],
    ...(hasUnknown ? [] : movingPairs(derived, head)),
  ];
  return pairs.filter(([, log, beside]) => log !== beside).map(([name, log, beside]) => differs(name, log, beside));
}

function movingPairs(derived: StreamHead, head: StreamHead): readonly (readonly [string, unknown, unknown])[] {
  return [
    ["status", derived.run?.status, head.run?.status],
    ["reason", derived.run?.reason, head.run?.reason],
    ["useKey", derived.run?.useKey, head.run?.useKey],
  ];
}

function derivedHead(events: readonly StoredEvent[]): StreamHead | string | null {
  try {
    return runHeadOf(events, false);
  } catch (error) {
    return `the head can't be derived: ${String(error)}`;
  }
}

function differs(name: string, log: unknown, beside: unknown): RunProblem {
  return { seq: null, rule: "head_differs", message: `${name} is ${String(log)} by the log and ${String(beside)} by the head` };
}
