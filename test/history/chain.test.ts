import { describe, expect, test } from "vitest";
import type { ChainedEvent } from "../../src/model/event.js";
import {
  EVENT_BYTES_MAX,
  assertLinked,
  brokenLink,
  chainEvent,
  emptyHead,
  eventHash,
  genesisHash,
} from "../../src/history/chain.js";
import { digestOf } from "../../src/json/digest.js";
import { isRunsealError } from "../../src/errors/error.js";

const head = emptyHead("default", "run/r-1");
const first = (): ChainedEvent => chainEvent(head, { kind: "step.skipped", payload: { stepId: "a", reason: "condition" } }, 3);

describe("the event chain (decision 4.2)", () => {
  test("the hash covers prev, stream, seq, kind, version, epoch and the payload's digest, as canonical JSON", () => {
    const { prev, stream, seq, kind, v, epoch, payloadDigest, hash } = first();
    expect(hash).toBe(digestOf("runseal/event/1", { prev, stream, seq, kind, v, epoch, payloadDigest }));
    expect(first()).toMatchObject({
      seq: 1,
      epoch: 3,
      kind: "step.skipped",
      v: 1,
      payloadText: '{"reason":"condition","stepId":"a"}',
    });
  });

  test("no two events share a preimage: what moves from one member to the next moves the hash (reliability row 65)", () => {
    const { payloadDigest, prev } = first();
    const shared = { seq: 1, v: 1, epoch: 1, payloadDigest, prev };
    const hashes = [
      eventHash({ ...shared, stream: "run/ab", kind: "c" }),
      eventHash({ ...shared, stream: "run/a", kind: "bc" }),
      eventHash({ ...shared, stream: "run/a", kind: 'b","payloadDigest":"c' }),
      eventHash({ ...shared, stream: "run/ab", kind: "c", seq: 11, v: 1 }),
      eventHash({ ...shared, stream: "run/ab", kind: "c", seq: 1, v: 11 }),
      genesisHash("ab", "run/c"),
      genesisHash("a", "run/bc"),
      digestOf("runseal/event/1", "x"),
      digestOf("runseal/event/11", "x"),
      digestOf("runseal/event/1", ["ab", "c"]),
      digestOf("runseal/event/1", ["a", "bc"]),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test("the first link binds scope and stream", () => {
    expect(first().prev).toBe(genesisHash("default", "run/r-1"));
    expect(genesisHash("other", "run/r-1")).not.toBe(first().prev);
    expect(genesisHash("default", "run/r-2")).not.toBe(first().prev);
  });

  test("a second event links to the first", () => {
    const next = { ...head, seq: 1, hash: first().hash };
    const second = chainEvent(next, { kind: "run.paused", payload: { by: null } }, 3);
    expect(brokenLink(next, second)).toBeUndefined();
    expect(brokenLink(head, second)).toBe("has seq 2 where 1 follows");
  });

  test("secrets are gone before anything is hashed (decision 4.6)", () => {
    const secret = `AKIA${"A1".repeat(8)}`;
    const event = chainEvent(head, { kind: "signal.received", payload: { key: "k", payload: { note: secret }, from: null } }, 1);
    expect(event.payloadText).not.toContain(secret);
    expect(event.payloadText).toContain("[REDACTED]");
  });

  test("a payload beyond 1 MiB is refused (decision 3.20)", () => {
    const payload = { key: "k", payload: "x".repeat(EVENT_BYTES_MAX), from: null };
    try {
      chainEvent(head, { kind: "signal.received", payload }, 1);
      expect.unreachable();
    } catch (error) {
      expect(isRunsealError(error, "value.too_large")).toBe(true);
    }
  });

  test.each<[string, Partial<ChainedEvent>, string]>([
    ["another stream", { stream: "run/r-2" }, 'belongs to stream "run/r-2"'],
    ["another seq", { seq: 5 }, "has seq 5 where 1 follows"],
    ["another prev", { prev: "0".repeat(64) }, "does not link to the event before it"],
    ["another payload", { payloadText: "{}" }, "has a payload that does not match its digest"],
    ["another epoch", { epoch: 4 }, "does not match its hash"],
    ["another kind", { kind: "run.paused" }, "does not match its hash"],
  ])("%s breaks the link", (_what, change, why) => {
    const changed = { ...first(), ...change };
    expect(brokenLink(head, changed)).toBe(why);
    try {
      assertLinked(head, changed);
      expect.unreachable();
    } catch (error) {
      expect(isRunsealError(error, "store.corrupt")).toBe(true);
    }
  });

  test("a sound event is let through", () => {
    expect(() => {
      assertLinked(head, first());
    }).not.toThrow();
  });
});
