import type { ArtifactWrite, StreamWrite } from "../stores/event-store.js";
import type { ChainedEvent } from "../model/event.js";
import type { RunHead } from "../model/run.js";
import { canonicalize } from "../json/canonical.js";
import { changePayload } from "./change-payload.js";
import { changeOf } from "../stores/store-change.js";
import { isTerminal } from "../history/run-head.js";

/** One event as the functions of the schema take it. */
interface EventJson {
  readonly q: number;
  readonly k: string;
  readonly v: number;
  readonly e: number;
  readonly p: string;
  readonly d: string;
  readonly h: string;
}

/** The members of a write that the functions of the schema take; the migration says what each is. */
export type HeadJson = Readonly<Record<string, string | number | boolean | null>>;

/**
 * What a commit puts into the columns of a head; members that say nothing are left out.
 *
 * @param origin - as {@link changePayload} has it
 */
export function headJson(write: StreamWrite, origin?: string): HeadJson {
  const { scope, stream, expectedSeq, events, fence, claim, run, releaseLease } = write;
  const [first, last] = [events[0], events.at(-1)];
  return {
    s: scope,
    t: stream,
    x: expectedSeq,
    n: expectedSeq + events.length,
    ...(first !== undefined && last !== undefined && { p: first.prev, h: last.hash }),
    ...(fence !== null && { fo: fence.owner, fe: fence.epoch }),
    ...(claim !== undefined && { co: claim.owner, ce: claim.epoch, cm: claim.leaseMs }),
    ...(releaseLease === true && { rel: true }),
    ...(run !== undefined && runJson(run, expectedSeq === 0)),
    ...notificationOf(write, origin),
  };
}

/** What is settled by the first write goes with it alone. */
function runJson(run: RunHead, isFirst: boolean): HeadJson {
  const rests = run.status === "parked" || isTerminal(run.status);
  const { status, reason, wakeAt, useKey } = run;
  return {
    run: true,
    st: status,
    re: reason,
    wa: wakeAt,
    uk: useKey,
    ...(rests && { rest: true }),
    ...(run.startedAt !== null && { sa: true }),
    ...(isFirst && {
      rb: run.runbookId,
      rq: canonicalize(run.requires),
      q: run.queue,
      pr: run.priority,
      lb: canonicalize(run.labels),
      pa: run.parent,
      dk: run.dedupKey,
    }),
  };
}

/** Others are told of everything but the progress of a run that somebody holds. */
function notificationOf(write: StreamWrite, origin: string | undefined): { readonly nt?: string } {
  const change = changeOf(write);
  return change.what === "progress" ? {} : { nt: changePayload(change, origin) };
}

/** An event of a commit that is a list of them. */
export function eventJson(event: ChainedEvent): EventJson {
  const { seq, kind, v, epoch, payloadText, payloadDigest, hash } = event;
  return { q: seq, k: kind, v, e: epoch, p: payloadText, d: payloadDigest, h: hash };
}

/** Artifacts on their way to a statement: their bytes, and beside them a list of what they are. */
export class Files {
  readonly buffers: Buffer[] = [];
  readonly #list: unknown[] = [];

  /**
   * @param place - of the write that the artifact belongs to, in its statement
   * @returns what the list says of it: `i` its index from 1, `d` digest, `k` kind, `o` place
   */
  add(artifact: ArtifactWrite, place?: number): Readonly<Record<string, unknown>> {
    const { buffer, byteOffset, byteLength } = artifact.bytes;
    const i = this.buffers.push(Buffer.from(buffer, byteOffset, byteLength));
    const file = { ...(place !== undefined && { o: place }), i, d: artifact.id, k: artifact.kind };
    this.#list.push(file);
    return file;
  }

  /** The list, `null` for none, and the bytes. */
  values(): readonly [string | null, readonly Buffer[]] {
    return [this.#list.length === 0 ? null : JSON.stringify(this.#list), this.buffers];
  }
}
