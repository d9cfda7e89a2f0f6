import { describe, expect, test } from "vitest";
import { EVENTS, isEventKind } from "../../src/model/event.js";

describe("the event table", () => {
  test("holds every kind of decision 4.1", () => {
    const kinds =
      "run.submitted run.started run.resumed run.parked run.paused run.completed run.failed run.canceled run.forked run.amended " +
      "step.entered step.completed step.failed step.skipped step.parked step.retry_scheduled step.fenced " +
      "lock.acquired lock.contended lock.released lock.lost lease.taken wait.opened wait.answered timer.set step.in_doubt " +
      "signal.received signal.delivered decision.made approval.given approval.revoked approval.consumed approval.released " +
      "fact.recorded artifact.written child.spawned child.completed progress domain session.changed turn.signal record.failed payload.dropped";
    expect(Object.keys(EVENTS).sort()).toEqual(kinds.split(" ").sort());
  });

  test("names a kind as thing.past_tense, in words that a database CHECK can hold", () => {
    expect(Object.keys(EVENTS).filter((kind) => !/^[a-z]+(\.[a-z_]+)?$/.test(kind))).toEqual([]);
  });
});

describe("isEventKind", () => {
  test("knows the table, and nothing that every object has", () => {
    expect(["run.started", "progress", "run.exploded", "toString", "__proto__", ""].map(isEventKind)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
