/** What is committed to a log, by what a crash around it means for whoever goes on; each has a point before and one after. */
const COMMITS = [
  /** An approval of a runbook, or its revocation. */
  "approve",
  /** The run exists from here on. */
  "submit",
  /** The run is started: lease, manifest, spent approvals. */
  "start",
  /** A run that was started is taken up again. */
  "resume",
  /** A queued run ends without having started. */
  "queued_end",
  /** A step is about to touch the world. */
  "entered",
  /** What a handler learnt from outside. */
  "fact",
  /** What a handler says of itself: events, progress, artifacts. */
  "said",
  /** Steps came to a result, and none is entered with it. */
  "completed",
  /** An attempt failed, or its outcome is in doubt. */
  "failed",
  /** A child run exists from here on, or its end is the parent's to use. */
  "child",
  /** A message from the inbox became history. */
  "message",
  /** The run rests: parked or paused. */
  "rest",
  /** The run is left to another process. */
  "hand_over",
  /** The run is over. */
  "end",
] as const;

/** Places besides commits where a crash leaves something behind, or loses something. */
const PLACES = [
  /** A sealed runbook is stored. */
  "seal.before_put",
  "seal.after_put",
  /** A message goes into the inbox of a run. */
  "message.before_put",
  "message.after_put",
  "locks.before_take",
  "locks.taken",
  /** Locks on entities whose ids were learnt while running. */
  "late_locks.taken",
  /** The run has ended or rests, and still holds its locks. */
  "locks.before_release",
  "handler.before",
  "handler.after",
  /** The handler of a transactional verb is about to work in its transaction. */
  "transaction.opened",
  /** The effect and the completion are written, and not committed. */
  "transaction.before_commit",
  "transaction.after_commit",
  /** A verb is asked whether the effect of an attempt happened. */
  "reconcile.before",
  "reconcile.after",
  "lease.before_renew",
  "lease.after_renew",
] as const;

/** A kind of commit, as fault points are named after it. */
export type CommitKind = (typeof COMMITS)[number];

/** A named place in the engine where a process may be made to die: `step` of what happens there, and on which side of it. */
export type FaultPoint = `${CommitKind}.${"before_commit" | "after_commit"}` | (typeof PLACES)[number];

/** Every fault point there is. */
export const FAULT_POINTS: readonly FaultPoint[] = [
  ...COMMITS.flatMap((kind) => [`${kind}.before_commit`, `${kind}.after_commit`] as const),
  ...PLACES,
];
