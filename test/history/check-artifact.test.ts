import { describe, expect, test } from "vitest";
import type { AnyEvent } from "../../src/model/event.js";
import type { NamedArtifact } from "../../src/history/named-artifacts.js";
import { artifactProblem } from "../../src/history/check-artifact.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { manifestArtifact, manifestOf } from "../../src/history/manifest.js";
import { namedArtifacts } from "../../src/history/named-artifacts.js";
import { sha256Hex } from "../../src/json/digest.js";

const event = (seq: number, kind: string, payload: unknown): AnyEvent =>
  ({ seq, kind, v: 1, epoch: 1, at: 0, hash: "h", payload }) as AnyEvent;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const named = (bytes: Uint8Array, more: Partial<NamedArtifact> = {}): NamedArtifact => ({
  id: sha256Hex(bytes),
  seq: 4,
  kind: null,
  bytes: null,
  isManifest: false,
  isValue: false,
  ...more,
});

describe("the artifacts that a log names (D-061)", () => {
  test("are the manifest, what was written, and every reference of a payload or its delta, each once", () => {
    const events = [
      event(1, "run.started", { manifestId: "m" }),
      event(2, "artifact.written", { artifactId: "a", kind: "result", bytes: 3 }),
      event(3, "step.completed", { resultRef: "a", delta: { ref: "d", set: {} }, stepId: "s" }),
      event(4, "step.in_doubt", { rawRef: "w" }),
      event(5, "fact.recorded", { payloadRef: "f", delta: 7 }),
      event(6, "run.completed", { outputRef: "o", ref: 5 }),
      event(7, "unknown:run.dreamt", { dreamRef: "z" }),
      event(8, "unknown:run.sang", "la"),
      event(9, "run.started", { manifestId: null }),
    ];
    const plain = { kind: null, bytes: null, isManifest: false, isValue: true };
    expect(namedArtifacts(events)).toEqual([
      { ...plain, id: "m", seq: 1, isManifest: true },
      { ...plain, id: "a", seq: 2, kind: "result", bytes: 3 },
      { ...plain, id: "d", seq: 3 },
      { ...plain, id: "w", seq: 4 },
      { ...plain, id: "f", seq: 5 },
      { ...plain, id: "o", seq: 6 },
      { ...plain, id: "z", seq: 7, isValue: false },
    ]);
  });

  test("are values where only the engine writes them or a member refers to them, and are not encrypted (D-092)", () => {
    const written = (artifactId: string, kind: string) => event(1, "artifact.written", { artifactId, kind, bytes: 3 });
    const refers = event(2, "step.completed", { resultRef: "a", stepId: "s" });
    const isValue = (...events: readonly AnyEvent[]): boolean | undefined => namedArtifacts(events)[0]?.isValue;
    expect(isValue(written("a", "fact_payload"))).toBe(true);
    expect(isValue(written("a", "output"))).toBe(false);
    expect(isValue(written("a", "output"), refers)).toBe(true);
    expect(isValue(refers, written("a", "output"))).toBe(true);
    expect(isValue(written("a", "secret_payload"), refers)).toBe(false);
    expect(isValue(refers, written("a", "secret_payload"))).toBe(false);
  });
});

describe("an artifact held against its log (D-012)", () => {
  const json = bytesOf('{"a":1}');

  test.each<[string, NamedArtifact, Uint8Array]>([
    ["bytes of a handler's own kind", named(bytesOf("\u0000"), { kind: "invoice", bytes: 1 }), bytesOf("\u0000")],
    ["bytes that no event tells the kind of", named(bytesOf("x")), bytesOf("x")],
    ["canonical text of a kind of ours", named(json, { kind: "result", bytes: 7, isValue: true }), json],
  ])("agrees: %s", (_, of, bytes) => {
    expect(artifactProblem(of, bytes)).toBeUndefined();
  });

  test.each<[string, NamedArtifact, Uint8Array | "damaged" | undefined, string, string]>([
    ["gone", named(json), undefined, "artifact_missing", "is not there"],
    ["damaged in the store", named(json), "damaged", "artifact_damaged", "do not have its digest"],
    ["other bytes", named(json), bytesOf("{}"), "artifact_damaged", "do not have its digest"],
    ["another size", named(json, { bytes: 8 }), json, "artifact_damaged", "has 7 bytes where the log says 8"],
    ["no JSON", named(bytesOf("x"), { isValue: true }), bytesOf("x"), "artifact_damaged", "is not JSON"],
    ["not canonical", named(bytesOf("[ ]"), { isValue: true }), bytesOf("[ ]"), "artifact_damaged", "not written canonically"],
    ["a manifest that is gone", named(json, { isManifest: true }), undefined, "manifest_missing", 'manifest "'],
    ["a manifest with other bytes", named(json, { isManifest: true }), "damaged", "artifact_damaged", 'manifest "'],
  ])("disagrees: %s", (_, of, bytes, rule, message) => {
    const problem = artifactProblem(of, bytes);
    expect(problem).toMatchObject({ seq: 4, rule });
    expect(problem?.message).toContain(message);
  });

  test("is the manifest of this run, or not", () => {
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const submission = { uses: "once", dedupKey: null, queue: "q", priority: 0, labels: {}, concurrency: null };
    const { id, bytes } = manifestArtifact(manifestOf(runbook, submission, {}));
    const of: NamedArtifact = { id, seq: 3, kind: null, bytes: null, isManifest: true, isValue: true };
    expect(artifactProblem(of, bytes, { runbook, submission })).toBeUndefined();
    expect(artifactProblem(of, bytes)).toBeUndefined();
    const other = buildRunbook({ steps: [{ id: "b" }] });
    expect(artifactProblem(of, bytes, { runbook: other, submission })).toMatchObject({ seq: 3, rule: "manifest_mismatch" });
    expect(artifactProblem(of, bytes, { runbook, submission: { ...submission, queue: "x" } })).toMatchObject({
      rule: "manifest_mismatch",
    });
  });
});
