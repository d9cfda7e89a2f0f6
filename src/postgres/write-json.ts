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
export type HeadJson = Readonly<NewHeadJson>;

type NewHeadJson = Record<string, string | number | boolean | null>;

/**
 * What a commit puts into the columns of a head; members that say nothing are left out.
 *
 * @param origin - as {@link changePayload} has it
 */
export function headJson(write: StreamWrite, origin?: string): HeadJson {
  const { scope, stream, expectedSeq, events, fence, claim, run, releaseLease } = write;
  const [first, last] = [events[0], events.at(-1)];
  const json: NewHeadJson = { s: scope, t: stream, x: expectedSeq, n: expectedSeq + events.length };
  if (first !== undefined && last !== undefined) {
    json["p"] = first.prev;
    json["h"] = last.hash;
  }
  if (fence !== null) {
    json["fo"] = fence.owner;
    json["fe"] = fence.epoch;
  }
  if (claim !== undefined) {
    json["co"] = claim.owner;
    json["ce"] = claim.epoch;
    json["cm"] = claim.leaseMs;
  }
  if (releaseLease === true) json["rel"] = true;
  if (run !== undefined) addRun(json, run, expectedSeq === 0);
  const change = changeOf(write);
  // others are told of everything but the progress of a run that somebody holds
  if (change.what !== "progress") json["nt"] = changePayload(change, origin);
  return json;
}

/** What is settled by the first write goes with it alone. */
function addRun(json: NewHeadJson, run: RunHead, isFirst: boolean): void {
  json["run"] = true;
  json["st"] = run.status;
  json["re"] = run.reason;
  json["wa"] = run.wakeAt;
  json["uk"] = run.useKey;
  if (run.status === "parked" || isTerminal(run.status)) json["rest"] = true;
  if (run.startedAt !== null) json["sa"] = true;
  if (!isFirst) return;
  json["rb"] = run.runbookId;
  json["rq"] = canonicalize(run.requires);
  json["q"] = run.queue;
  json["pr"] = run.priority;
  json["lb"] = canonicalize(run.labels);
  json["pa"] = run.parent;
  json["dk"] = run.dedupKey;
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
