import type { JsonObject, JsonValue } from "../json/value.js";
import type { StoredEvent } from "../model/event.js";
import type { RunbookId } from "../model/ids.js";
import type { RunHead, RunStatus, StreamHead } from "../model/run.js";
import { invariant } from "../errors/invariant.js";
import { isObject } from "./member-types.js";
import { isRunbookId } from "../model/ids.js";

/** What {@link nextRunHead} looks at: drafts, stored events and typed events all have it. */
export interface HeadEvent {
  readonly kind: string;
  readonly payload: JsonValue;
  /**
   * When the store committed it, milliseconds since the epoch. A writer does not know it yet and leaves it out: the store puts its
   * own time into `submittedAt` of a run's first head, and into `startedAt` of the head that is the first to have one.
   */
  readonly at?: number;
}

const RUN_PREFIX = "run/";

/**
 * The projection of a run after one more event: the one rule that the engine writes heads by and `rebuild` computes them by.
 *
 * `previous` is null before `run.submitted`. Kinds that say nothing about the head, unknown ones included, give `previous` back.
 * `run.parked` wakes at its `until`; with reason `retry` and no `until`, at the earliest retry scheduled since the run was taken up.
 * Messages in the inbox are not events: a store shows `wakeAt` 0 while one waits for a run that has not ended.
 *
 * @throws {@link RunsealError} `internal.invariant` when a run does not begin with `run.submitted`, or a payload lacks a member
 */
export function nextRunHead(previous: RunHead | null, event: HeadEvent, runId: string): RunHead {
  if (previous === null) {
    invariant(event.kind === "run.submitted", `the first event of a run is run.submitted, not ${event.kind}`);
    return submitted(runId, membersOf(event), event.at ?? 0);
  }
  switch (event.kind) {
    case "run.started":
      return { ...moved(previous, "running", null, null), startedAt: previous.startedAt ?? event.at ?? 0 };
    case "run.resumed":
      return moved(previous, "running", null, null);
    case "step.retry_scheduled":
      return retryScheduled(previous, membersOf(event));
    case "run.parked":
      return parked(previous, membersOf(event));
    case "run.paused":
      return moved(previous, "parked", "paused", null);
    case "run.completed":
      return moved(previous, "completed", null, null);
    case "run.failed":
      return ended(previous, "failed", membersOf(event), "code");
    case "run.canceled":
      return ended(previous, "canceled", membersOf(event), "reason");
    default:
      return previous;
  }
}

/**
 * The head of a stream after one more stored event: what `rebuild` folds over.
 *
 * A lease ends with `run.parked`, `run.paused` and the end of a run. Renewing a lease leaves no event, so that a rebuilt head says
 * `at + leaseMs` of the last `lease.taken`; nor does giving it up while the run goes on, so that a rebuilt head names the owner until
 * that term. Neither can harm: an owner that was passed over is fenced.
 *
 * @param head - null before the first event
 */
export function nextStreamHead(head: StreamHead | null, event: StoredEvent): StreamHead {
  const { scope, stream, seq, hash } = event;
  const lease = leaseAfter(head, event);
  if (!stream.startsWith(RUN_PREFIX)) return { scope, stream, seq, hash, ...lease, run: null };
  // dropped: nothing that a head is made of is ever
  if (event.payloadText === "" && head !== null) return { scope, stream, seq, hash, ...lease, run: head.run };
  const payload = JSON.parse(event.payloadText) as JsonValue;
  const run = nextRunHead(head?.run ?? null, { kind: event.kind, payload, at: event.at }, stream.slice(RUN_PREFIX.length));
  return { scope, stream, seq, hash, ...lease, run };
}

/**
 * The head of a whole stream: the fold of {@link nextStreamHead}, and `wakeAt` 0 while a message waits for a run that has not ended.
 *
 * Cost: linear in the events.
 *
 * @returns null without events
 */
export function runHeadOf(events: Iterable<StoredEvent>, hasPendingInbox: boolean): StreamHead | null {
  let head: StreamHead | null = null;
  for (const event of events) head = nextStreamHead(head, event);
  return head === null ? null : withPendingInbox(head, hasPendingInbox);
}

/** The head as it is shown while messages wait: a run that has not ended is due at once. */
export function withPendingInbox(head: StreamHead, hasPendingInbox: boolean): StreamHead {
  if (!hasPendingInbox || head.run === null || isTerminal(head.run.status) || head.run.wakeAt === 0) return head;
  return { ...head, run: { ...head.run, wakeAt: 0 } };
}

/** Whether a run with this status has ended for good. */
export function isTerminal(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

type Lease = Pick<StreamHead, "epoch" | "owner" | "leaseUntil">;

const NO_LEASE: Lease = { epoch: 0, owner: null, leaseUntil: null };
const ENDS_LEASE = new Set(["run.parked", "run.paused", "run.completed", "run.failed", "run.canceled"]);

function leaseAfter(head: StreamHead | null, event: StoredEvent): Lease {
  const { epoch, owner, leaseUntil } = head ?? NO_LEASE;
  if (ENDS_LEASE.has(event.kind)) return { epoch, owner: null, leaseUntil: null };
  if (event.kind !== "lease.taken") return { epoch, owner, leaseUntil };
  const payload = membersOf({ kind: event.kind, payload: JSON.parse(event.payloadText) as JsonValue });
  const leaseMs = numberAt(payload, "leaseMs");
  return { epoch: numberAt(payload, "epoch"), owner: textAt(payload, "owner"), leaseUntil: event.at + leaseMs };
}

function submitted(runId: string, payload: JsonObject, at: number): RunHead {
  const runbookId = runbookIdAt(payload);
  const dedupKey = textOrNullAt(payload, "dedupKey");
  return {
    runId,
    runbookId,
    status: "queued",
    reason: null,
    wakeAt: 0,
    requires: textsAt(payload, "requires"),
    queue: textAt(payload, "queue"),
    priority: numberAt(payload, "priority"),
    labels: objectAt(payload, "labels"),
    parent: textOrNullAt(payload, "parent"),
    dedupKey,
    useKey: useKeyOf(textAt(payload, "uses"), runbookId, dedupKey),
    submittedAt: at,
    startedAt: null,
  };
}

function useKeyOf(uses: string, runbookId: RunbookId, dedupKey: string | null): string | null {
  if (uses === "once") return `once:${runbookId}`;
  return dedupKey === null ? null : `dedup:${dedupKey}`;
}

function moved(run: RunHead, status: RunStatus, reason: string | null, wakeAt: number | null): RunHead {
  return { ...run, status, reason, wakeAt };
}

function retryScheduled(run: RunHead, payload: JsonObject): RunHead {
  const at = numberAt(payload, "at");
  return run.wakeAt !== null && run.wakeAt <= at ? run : { ...run, wakeAt: at };
}

function parked(run: RunHead, payload: JsonObject): RunHead {
  const reason = textAt(payload, "reason");
  const until = numberOrNullAt(payload, "until");
  return moved(run, "parked", reason, until ?? (reason === "retry" ? run.wakeAt : null));
}

function ended(run: RunHead, status: "failed" | "canceled", payload: JsonObject, reason: "code" | "reason"): RunHead {
  const head = moved(run, status, textAt(payload, reason), null);
  return payload["isVoid"] === true ? { ...head, useKey: null } : head;
}

function membersOf(event: HeadEvent): JsonObject {
  const { payload } = event;
  invariant(isObject(payload), `the payload of ${event.kind} is an object`);
  return payload;
}

function runbookIdAt(payload: JsonObject): RunbookId {
  const id = payload["runbookId"];
  invariant(isRunbookId(id), "run.submitted names a runbook");
  return id;
}

function textAt(payload: JsonObject, member: string): string {
  const value = payload[member];
  invariant(typeof value === "string", `"${member}" of an event is a string`);
  return value;
}

function textOrNullAt(payload: JsonObject, member: string): string | null {
  return payload[member] === null ? null : textAt(payload, member);
}

function numberAt(payload: JsonObject, member: string): number {
  const value = payload[member];
  invariant(typeof value === "number", `"${member}" of an event is a number`);
  return value;
}

function numberOrNullAt(payload: JsonObject, member: string): number | null {
  return payload[member] === null ? null : numberAt(payload, member);
}

function textsAt(payload: JsonObject, member: string): readonly string[] {
  const value = payload[member];
  invariant(
    Array.isArray(value) && value.every((item) => typeof item === "string"),
    `"${member}" of an event is a list of strings`,
  );
  return value;
}

function objectAt(payload: JsonObject, member: string): JsonObject {
  const value = payload[member];
  invariant(isObject(value), `"${member}" of an event is an object`);
  return value;
}
