import { describe, expect, test } from "vitest";
import type { AnyEvent } from "../../src/model/event.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { writeFindings } from "../../src/history/verify-writes.js";

const UUID = "3F2504E0-4F89-41D3-9A0C-0305E82C3301";
const write = (id: string) => ({ kind: "account", id, access: "write", source: "declared" }) as const;
const { steps } = buildRunbook({
  steps: [
    { id: "look" },
    { id: "pay", effect: "write", writes: [write("a-1"), write(UUID)] },
    { id: "late", effect: "write", lateWrites: [{ kind: "parcel", pointer: "/parcel" }] },
  ],
});

let seq = 0;
const event = (kind: string, payload: object): AnyEvent =>
  ({ seq: (seq += 1), kind, v: 1, epoch: 1, at: 0, hash: "h", payload }) as AnyEvent;
const locked = (...locks: readonly string[]): AnyEvent => event("lock.acquired", { locks, waitedMs: 0 });
const completed = (stepId: string, declared: readonly string[], by?: string): AnyEvent =>
  event("step.completed", { stepId, attempt: 1, declared, result: null, ...(by !== undefined && { by }) });
const outside = (...events: readonly AnyEvent[]): readonly string[] =>
  writeFindings(steps, events).problems.map(({ rule, message }) => `${rule}: ${message}`);
const told = (stepId: string, entity: string): string =>
  `write_outside_set: step "${stepId}" declared to write "${entity}", which its sealed write-set does not have`;

describe("declared writes (decisions 2.8, 2.9, 3.17)", () => {
  test("lie in the sealed write-set of their step; a UUID names the same entity in any case and kind", () => {
    expect(outside(locked("write account:a-1"), completed("pay", ["account:a-1", `account:${UUID.toLowerCase()}`]))).toEqual([]);
    expect(outside(completed("pay", [`other:${UUID}`]))).toEqual([]);
  });

  test("outside of it are found, with the event and the step", () => {
    const stray = completed("pay", ["account:a-1", "account:a-2", "nonsense"]);
    expect(outside(stray)).toEqual([told("pay", "account:a-2"), told("pay", "nonsense")]);
    expect(writeFindings(steps, [stray]).problems[0]?.seq).toBe(stray.seq);
    expect(outside(completed("look", ["account:a-1"]))).toEqual([told("look", "account:a-1")]);
  });

  test("that are late need a sealed kind and the write lock of their id, taken before", () => {
    expect(outside(locked(), locked("write parcel:p-1"), completed("late", ["parcel:p-1"]))).toEqual([]);
    expect(outside(locked("read parcel:p-1"), completed("late", ["parcel:p-1"]))).toEqual([told("late", "parcel:p-1")]);
    expect(outside(completed("late", ["parcel:p-1"]), locked("write parcel:p-1"))).toEqual([told("late", "parcel:p-1")]);
    expect(outside(locked("write truck:t-1"), completed("late", ["truck:t-1"]))).toEqual([told("late", "truck:t-1")]);
  });

  test("that are late count by kind alone where nothing was locked, or another run locked it", () => {
    expect(outside(locked(), completed("late", ["parcel:p-1"]))).toEqual([]);
    expect(outside(locked("write account:a-1"), completed("late", ["parcel:p-1"], "carried"))).toEqual([]);
  });

  test("that are missing make a writing step unobserved; steps of another runbook are passed over", () => {
    const events = [
      completed("late", []),
      completed("look", []),
      completed("pay", ["account:a-1"]),
      completed("nobody", ["x:y"]),
    ];
    expect(writeFindings(steps, events)).toEqual({ problems: [], unobserved: ["late"] });
  });
});
