import type { ChainHead } from "./chain.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { StoredEvent } from "../model/event.js";
import { brokenHash, brokenLink, emptyHead } from "./chain.js";

/** Whether a chain can be trusted, and how much of it is still there. */
export interface ChainVerdict {
  /** `"ok"`, or the first event that can't be trusted and why. */
  readonly integrity: "ok" | BrokenLink;
  /** `partial` where retention dropped payloads: their digests are still in the chain. */
  readonly completeness: "full" | "partial";
  /** The end of the part that can be trusted. */
  readonly head: ChainHead;
}

/** The first bad event of a chain. */
export interface BrokenLink {
  readonly seq: number;
  readonly why: string;
}

/**
 * Follows a stream's chain from its beginning: numbering, links, digests of payloads, hashes.
 *
 * A chain that was cut off at its end looks whole: compare `head` with one that was kept elsewhere.
 *
 * Cost: linear in the events' bytes.
 *
 * @param events - as they were read, from the first on
 */
export function verifyChain(scope: Scope, stream: StreamName, events: Iterable<StoredEvent>): ChainVerdict {
  const all = [...events];
  const dropped = joined(droppedRanges(all));
  let range = 0;
  let head = emptyHead(scope, stream);
  let completeness: ChainVerdict["completeness"] = "full";
  for (const event of all) {
    while ((dropped[range]?.to ?? event.seq) < event.seq) range += 1;
    const isDropped = event.payloadText === "" && (dropped[range]?.from ?? Infinity) <= event.seq;
    const why = isDropped ? brokenHash(head, event) : brokenLink(head, event);
    if (why !== undefined) return { integrity: { seq: event.seq, why }, completeness, head };
    if (isDropped) completeness = "partial";
    head = { scope, stream, seq: event.seq, hash: event.hash };
  }
  return { integrity: "ok", completeness, head };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Ranges of seq that `payload.dropped` events speak of. */
function droppedRanges(events: readonly StoredEvent[]): readonly Range[] {
  return events.flatMap((event) => {
    if (event.kind !== "payload.dropped" || event.payloadText === "") return [];
    const range = rangeIn(event.payloadText);
    return range === undefined ? [] : [range];
  });
}

/** Ranges in order, none touching another: a hostile log may have as many as events. */
function joined(ranges: readonly Range[]): readonly Range[] {
  const apart: Range[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last === undefined || last.to < from) apart.push({ from, to });
    else apart.splice(-1, 1, { from: last.from, to: Math.max(last.to, to) });
  }
  return apart;
}

function rangeIn(payloadText: string): Range | undefined {
  try {
    const { fromSeq, toSeq } = JSON.parse(payloadText) as { readonly fromSeq?: unknown; readonly toSeq?: unknown };
    return typeof fromSeq === "number" && typeof toSeq === "number" ? { from: fromSeq, to: toSeq } : undefined;
  } catch {
    // a payload that does not read fails its digest, which is found later
    return undefined;
  }
}
