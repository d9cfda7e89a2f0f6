import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { buildRunbook } from "../engine/build-runbook.js";
import { canonicalize } from "../../src/json/canonical.js";
import { manifestArtifact, manifestOf, manifestProblem } from "../../src/history/manifest.js";
import { readCanonical } from "../../src/history/read-canonical.js";
import { sha256Hex } from "../../src/json/digest.js";

const runbook = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }] });
const submission = { uses: "once", dedupKey: null, queue: "default", priority: 1, labels: { team: "ops" }, concurrency: 2 };
const build = { gitCommit: "abc", nodeVersion: "v20.19.0" };
const manifest = manifestOf(runbook, submission, build);
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(canonicalize(value));

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value")),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value")),
  ),
})).value;

describe("the manifest of a run (D-022)", () => {
  test("says what was run, how it was asked for, what it needs, for whom, and by which build (decision 4.10)", () => {
    expect(manifest).toEqual({
      format: 1,
      runbookId: runbook.id,
      documentDigest: runbook.documentDigest,
      config: {
        execution: runbook.content.execution,
        uses: "once",
        concurrency: 2,
        queue: "default",
        priority: 1,
        labels: { team: "ops" },
        dedupKey: null,
      },
      requires: [...new Set(runbook.steps.map((step) => step.contract))].sort(),
      requestedBy: null,
      build,
    });
    const asked = { ...runbook, document: { ...runbook.document, requestedBy: "desk:omar" } };
    expect(manifestOf(asked, submission, build).requestedBy).toBe("desk:omar");
  });

  test("is an artifact of canonical text, named by its SHA-256, with every secret replaced (D-091)", () => {
    const artifact = manifestArtifact(manifest);
    expect(artifact).toEqual({ id: sha256Hex(artifact.bytes), kind: "manifest", bytes: bytesOf(manifest) });
    const token = `ghp_${"x".repeat(36)}`;
    const leaky = manifestOf(runbook, { ...submission, labels: { note: token } }, { gitCommit: token });
    const text = new TextDecoder().decode(manifestArtifact(leaky).bytes);
    expect(text).not.toContain(token);
    expect(text.match(/\[REDACTED\]/g)).toHaveLength(2);
  });

  test("of this run has no problem, also where its labels were redacted or its document was shown anew", () => {
    expect(manifestProblem(bytesOf(manifest), runbook, submission)).toBeUndefined();
    const shownAnew = { ...runbook, documentDigest: "0".repeat(64) };
    expect(manifestProblem(bytesOf(manifest), shownAnew, submission)).toBeUndefined();
    const secret = { ...submission, labels: { password: "hunter2hunter2" } };
    const { bytes } = manifestArtifact(manifestOf(runbook, secret, build));
    expect(manifestProblem(bytes, runbook, secret)).toBeUndefined();
    expect(manifestProblem(bytes, runbook, { ...secret, labels: { password: "[REDACTED]" } })).toBeUndefined();
  });

  test.each<[string, Uint8Array, string]>([
    ["is no text", new Uint8Array([0xff, 0xfe]), "manifest.corrupt"],
    ["is no JSON", new TextEncoder().encode("{"), "manifest.corrupt"],
    ["is JSON of another kind", bytesOf(["manifest"]), "manifest.corrupt"],
    ["is null", bytesOf(null), "manifest.corrupt"],
    ["has another format", bytesOf({ ...manifest, format: 2 }), "manifest.corrupt"],
    ["has spaces", new TextEncoder().encode(JSON.stringify(manifest, null, 1)), "manifest.not_canonical"],
    ["holds a fraction", new TextEncoder().encode('{"format":1.5}'), "manifest.not_canonical"],
    ["is of another runbook", bytesOf({ ...manifest, runbookId: "rb_other" }), "manifest.runbook_mismatch"],
    ["names a runbook by an object", bytesOf({ format: 1, runbookId: { toString: 1 } }), "manifest.runbook_mismatch"],
    ["names no runbook", bytesOf({ format: 1 }), "manifest.runbook_mismatch"],
    ["has no configuration", bytesOf({ format: 1, runbookId: runbook.id }), "manifest.config_mismatch"],
    ["has another queue", bytesOf({ ...manifest, config: { ...manifest.config, queue: "x" } }), "manifest.config_mismatch"],
  ])("that %s is refused (D-041)", (_, bytes, code) => {
    expect(manifestProblem(bytes, runbook, submission)?.code).toBe(code);
  });
});

describe("reading canonical text back (D-012)", () => {
  test("gives every value that was written canonically, from text and from bytes", () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = canonicalize(value);
        expect(readCanonical(text)).toEqual({ kind: "read", value: JSON.parse(text) as unknown });
        expect(readCanonical(new TextEncoder().encode(text)).kind).toBe("read");
      }),
    );
  });

  test("tells text that stands for the same value and is written otherwise", () => {
    for (const text of [" 1", "1.0", "1e0", '"\\u0061"', '{"b":1,"a":1}', '{"a":1,"a":1}', "[1 ]", "-0", "\ufeff1x"]) {
      expect(readCanonical(text).kind, text).not.toBe("read");
    }
    expect(readCanonical('{"__proto__":1}')).toMatchObject({ kind: "read" });
    expect(readCanonical(new Uint8Array([0xef, 0xbb, 0xbf, 0x31])).kind).toBe("unreadable");
    expect(readCanonical('"\\ud800"').kind).toBe("not_canonical");
    expect(readCanonical("[".repeat(100_000)).kind).toBe("unreadable");
    expect(readCanonical(`${"[".repeat(5_000)}${"]".repeat(5_000)}`)).toMatchObject({ kind: "not_canonical" });
  });
});
