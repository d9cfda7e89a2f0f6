import type { ArtifactWrite, CommitAnswer, StreamWrite } from "./event-store.js";
import type { StreamHead } from "../model/run.js";
import { RunsealError } from "../errors/error.js";
import { invariant } from "../errors/invariant.js";
import { assertStorable } from "./storable-name.js";
import { genesisHash } from "../history/chain.js";
import { sha256Hex } from "../json/digest.js";

/** Largest artifact: 64 MiB (decision 3.20). */
const ARTIFACT_BYTES_MAX = 67_108_864;

/**
 * Refuses a commit that contradicts itself: it needs no database to see it.
 *
 * @throws {@link RunsealError} `internal.invariant` when a stream is named twice, a write both fences and claims, a projection or
 * signals are given for a stream that is not that run's, or a run begins without its projection; `value.not_canonical` when a name
 * can't be stored
 */
export function assertCommit(writes: readonly StreamWrite[]): void {
  if (writes.length > 1) {
    const streams = new Set(writes.map((write) => `${write.scope}\n${write.stream}`));
    invariant(streams.size === writes.length, "a commit names each stream once");
  }
  for (const write of writes) assertWrite(write);
}

function assertWrite(write: StreamWrite): void {
  const isRun = write.stream.startsWith("run/");
  assertNames(write);
  invariant(write.fence === null || write.claim === undefined, "a write has a fence or a claim, not both");
  invariant(write.run === undefined || write.stream === `run/${write.run.runId}`, "a projection belongs to its run's stream");
  invariant(isRun || write.claim === undefined, "only runs are leased");
  invariant(isRun || (write.consume?.signals ?? []).length === 0, "only runs have an inbox");
  invariant(!isRun || write.expectedSeq > 0 || write.run !== undefined, "a run begins with its projection");
  invariant(write.expectedSeq > 0 || write.events.length > 0, "a stream begins with an event");
}

function assertNames(write: StreamWrite): void {
  assertStorable(write.scope);
  assertStorable(write.stream);
  for (const name of write.consume?.approvals ?? []) assertStorable(name);
  for (const name of write.consume?.signals ?? []) assertStorable(name);
  if (write.claim !== undefined) assertStorable(write.claim.owner);
  for (const { queue, label } of write.claim?.limits ?? []) assertLimitNames(queue, label);
  const { run } = write;
  if (run === undefined) return;
  if (run.reason !== null) assertStorable(run.reason);
  if (run.useKey !== null) assertStorable(run.useKey);
  // the rest is settled by the first write
  if (write.expectedSeq > 0) return;
  for (const name of [run.queue, run.parent, run.dedupKey]) if (name !== null) assertStorable(name);
}

function assertLimitNames(queue: string, label: string | null): void {
  assertStorable(queue);
  if (label !== null) assertStorable(label);
}

/**
 * Whether the lease lets a write in: `undefined` = yes (decision 3.7).
 *
 * @param head - before the write, `undefined` for a new stream
 * @param isHeld - whether the head's owner lives and its term has not passed
 */
export function leaseRefusal(write: StreamWrite, head: StreamHead | undefined, isHeld: boolean): CommitAnswer | undefined {
  const { stream, fence, claim } = write;
  const owner = head?.owner ?? null;
  const epoch = head?.epoch ?? 0;
  if (claim !== undefined) {
    if (isHeld && owner !== null) return { kind: "held", stream, owner, leaseUntil: head?.leaseUntil ?? 0 };
    return claim.epoch === epoch + 1 ? undefined : { kind: "stale", stream, currentEpoch: epoch, owner };
  }
  const passes = fence === null ? owner === null : fence.owner === owner && fence.epoch === epoch;
  return passes ? undefined : { kind: "stale", stream, currentEpoch: epoch, owner };
}

/**
 * Refuses events that do not continue the stream at its head.
 *
 * @param hash - of the last event; `undefined` for a new stream
 * @throws {@link RunsealError} `store.corrupt` naming the first event that does not link, is not numbered on, or has another epoch
 * than the fence
 */
export function assertChained(write: StreamWrite, hash: string | undefined): void {
  const seq = brokenAt(write, hash ?? (write.events.length === 0 ? "" : genesisHash(write.scope, write.stream)));
  if (seq === undefined) return;
  const message = `the event at ${seq} does not continue "${write.stream}"`;
  throw new RunsealError("store.corrupt", message, { what: "event", id: write.stream, seq });
}

/** The seq at which the events of a write stop continuing from `hash`; `undefined` = they all do. */
export function brokenAt(write: StreamWrite, hash: string): number | undefined {
  let prev = hash;
  let seq = write.expectedSeq;
  for (const event of write.events) {
    seq += 1;
    const isFenced = write.fence === null || event.epoch === write.fence.epoch;
    if (event.stream !== write.stream || event.seq !== seq || event.prev !== prev || !isFenced) return seq;
    prev = event.hash;
  }
  return undefined;
}

/**
 * Refuses bytes that are too large or have another name.
 *
 * @throws {@link RunsealError} `value.too_large` beyond 64 MiB, `store.corrupt` when `id` is not the SHA-256 of the bytes
 */
export function assertArtifact(artifact: ArtifactWrite): void {
  const bytes = artifact.bytes.byteLength;
  if (bytes > ARTIFACT_BYTES_MAX) {
    const message = `an artifact of ${bytes} bytes is larger than ${ARTIFACT_BYTES_MAX}; keep it elsewhere and record where`;
    throw new RunsealError("value.too_large", message, { what: "artifact", bytes, bytesMax: ARTIFACT_BYTES_MAX });
  }
  assertArtifactIntact(artifact);
}

/**
 * Refuses bytes that do not have the digest they are filed under.
 *
 * @throws {@link RunsealError} `store.corrupt`
 */
export function assertArtifactIntact(artifact: ArtifactWrite): void {
  if (sha256Hex(artifact.bytes) === artifact.id) return;
  const message = `the bytes of artifact "${artifact.id}" do not have that digest`;
  throw new RunsealError("store.corrupt", message, { what: "artifact", id: artifact.id, seq: null });
}
