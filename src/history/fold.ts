import type { AnyEvent, EventPayload } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { RunState } from "./run-state.js";
import { RunsealError } from "../errors/error.js";
import { recordAt } from "./run-state.js";
import { runStream } from "../model/ids.js";
import { applyToStep } from "./fold-step.js";
import { endChild, spawnChild } from "./fold-child.js";
import { keepSnapshot, recordFact } from "./fold-input.js";

/**
 * Advances a run by one event: the one place where events become state.
 *
 * Consumes `state`: the same object comes back, changed; nobody else may hold on to what it said before. Kinds that say nothing about
 * where a run stands, unknown ones included, only move `seq` and `hash`.
 *
 * Cost: O(log n) for an event, plus O(1) for each step that waited for the one that ended.
 *
 * @throws {@link RunsealError} `store.corrupt` when an event does not follow the one before it, or names a step that the runbook
 * does not have
 */
export function fold(state: RunState, event: AnyEvent): RunState {
  if (event.seq !== state.seq + 1) {
    const message = `event ${event.seq} of run "${state.runId}" follows event ${state.seq}`;
    throw new RunsealError("store.corrupt", message, { what: "event", id: runStream(state.runId), seq: event.seq });
  }
  apply(state, event);
  state.seq = event.seq;
  state.hash = event.hash;
  dropStale(state);
  return state;
}

function apply(state: RunState, event: AnyEvent): void {
  switch (event.kind) {
    case "run.submitted": {
      submit(state, event.payload, event.at);
      return;
    }
    case "lease.taken": {
      takeLease(state, event.payload);
      return;
    }
    case "run.started": {
      start(state, event.payload, event.at);
      return;
    }
    case "run.resumed": {
      resume(state, event.payload);
      return;
    }
    case "run.parked": {
      park(state, event.payload);
      return;
    }
    case "run.paused": {
      pause(state);
      return;
    }
    case "run.completed":
      state.output = event.payload.output;
      state.outputRef = event.payload.outputRef;
      {
        end(state, "completed", null, event.at);
        return;
      }
    case "run.failed": {
      fail(state, event.payload, event.at);
      return;
    }
    case "run.canceled":
      state.isVoid = event.payload.isVoid;
      {
        end(state, "canceled", event.payload.reason, event.at);
        return;
      }
    case "lock.acquired":
      state.isLocked = true;
      return;
    case "lock.released":
      state.isLocked = false;
      return;
    case "lock.lost":
      state.isLockLost = true;
      state.isLocked = false;
      return;
    case "fact.recorded": {
      recordFact(state, event.payload, event.seq);
      return;
    }
    case "child.spawned": {
      spawnChild(state, event.payload);
      return;
    }
    case "child.completed": {
      endChild(state, event.payload);
      return;
    }
    case "artifact.written": {
      keepSnapshot(state, event.payload);
      return;
    }
    default:
      applyToStep(state, event);
  }
}

function submit(state: RunState, payload: EventPayload<"run.submitted">, at: number): void {
  state.labels = payload.labels;
  state.queue = payload.queue;
  state.concurrency = payload.concurrency;
  state.submittedAt = at;
}

function takeLease(state: RunState, payload: EventPayload<"lease.taken">): void {
  state.epoch = payload.epoch;
  for (const position of state.inFlight) state.orphans.add(position);
  state.inFlight.clear();
  // nobody drives the children of a run that was let go: their steps look after them again
  for (const position of state.parked) {
    if (recordAt(state, position).wait?.reason === "awaiting_child") state.answered.add(position);
  }
  state.isLocked = false;
  state.isLockLost = false;
}

function start(state: RunState, payload: EventPayload<"run.started">, at: number): void {
  state.status = "running";
  state.manifestId = payload.manifestId;
  state.approvals = payload.approvals;
  state.deadlineAt = payload.deadlineAt;
  state.startedAt = at;
}

function resume(state: RunState, payload: EventPayload<"run.resumed">): void {
  state.status = "running";
  state.reason = null;
  state.waitingFor = null;
  if (payload.reason === "requested") state.isPaused = false;
}

function park(state: RunState, payload: EventPayload<"run.parked">): void {
  state.status = "parked";
  state.reason = payload.reason;
  state.waitingFor = { stepId: payload.stepId, key: payload.key, until: payload.until };
  state.isLocked = false;
}

function pause(state: RunState): void {
  state.status = "parked";
  state.reason = "paused";
  state.isPaused = true;
  state.isLocked = false;
}

function fail(state: RunState, payload: EventPayload<"run.failed">, at: number): void {
  const { code, message, stepId } = payload;
  const category = payload.category as Failure["category"];
  state.failure = { code, category, retryable: false, message, stepId };
  state.isVoid = payload.isVoid;
  end(state, "failed", code, at);
}

function end(state: RunState, status: "completed" | "failed" | "canceled", reason: string | null, at: number): void {
  state.status = status;
  state.reason = reason;
  state.waitingFor = null;
  state.endedAt = at;
  state.isLocked = false;
}

/** Drops what no longer counts from the tops, so that a look at a top is a look at the truth. */
function dropStale(state: RunState): void {
  const { ready, retries, limits } = state;
  for (let top = ready.peek(); top !== undefined; top = ready.peek()) {
    const { status, retryAt } = recordAt(state, top);
    if (status === "pending" && retryAt === null) break;
    ready.pop();
  }
  for (let top = retries.peek(); top !== undefined; top = retries.peek()) {
    const { status, retryAt } = recordAt(state, top.position);
    if (status === "pending" && retryAt === top.at) break;
    retries.pop();
  }
  for (let top = limits.peek(); top !== undefined; top = limits.peek()) {
    const { status, wait } = recordAt(state, top.position);
    if (status === "parked" && wait?.until === top.at) break;
    limits.pop();
  }
}
