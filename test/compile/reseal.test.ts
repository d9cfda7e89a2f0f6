import { describe, expect, test } from "vitest";
import type { Basis } from "../../src/model/envelope.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { documentDigestOf, runbookIdOf } from "../../src/model/runbook-digest.js";
import { reseal } from "../../src/compile/reseal.js";

const basis: Basis = { kind: "fork", runId: "r-1", headHash: "a".repeat(64), from: "b" };
const built = buildRunbook({ steps: [{ id: "a" }, { id: "b" }], intent: "t-1" });
const lookups = (["at_admission", "on_resume", "never"] as const).map((recheck) => ({
  path: recheck,
  verb: "price.quote@1" as const,
  contract: "c".repeat(64),
  args: {},
  responseDigest: "d".repeat(64),
  recheck,
}));
const content = { ...built.content, core: { ...built.content.core, lookups } };
const runbook = { ...built, content, id: runbookIdOf(content) };

describe("sealing a runbook again", () => {
  test("gives another id for another basis, and the same for the same (decision 1.3)", () => {
    const changes = { basis, remarks: [], isUnderway: false };
    const again = reseal(runbook, changes);
    expect(again.id).not.toBe(runbook.id);
    expect(again.id).toBe(runbookIdOf(again.content));
    expect(again.documentDigest).toBe(documentDigestOf(again.id, again.document));
    expect(reseal(runbook, changes).id).toBe(again.id);
    expect(reseal(runbook, { ...changes, basis: { ...basis, from: "a" } }).id).not.toBe(again.id);
    expect(reseal(again, changes).id).toBe(again.id);
    expect(again.content).toEqual({ ...content, core: { ...content.core, basis } });
    expect(again.envelope.core).toEqual(again.content.core);
    expect([again, again.content, again.content.core, again.document].every(Object.isFrozen)).toBe(true);
  });

  test("changes intent, requester and remarks where it is told to; remarks and requester are no part of the id (decision 1.3)", () => {
    const plain = reseal(runbook, { basis, remarks: [], isUnderway: false });
    const named = reseal(runbook, { basis, remarks: ["look"], requestedBy: "host:bo", isUnderway: false });
    expect(named.document).toMatchObject({ remarks: ["look"], requestedBy: "host:bo" });
    expect(named.id).toBe(plain.id);
    const other = reseal(runbook, { basis, remarks: [], intent: "t-2", isUnderway: false });
    expect(other.content.intent).toBe("t-2");
    expect(other.id).not.toBe(plain.id);
  });

  test("asks what had to hold before the first effect no more, once effects have happened", () => {
    const rechecks = (isUnderway: boolean) =>
      reseal(runbook, { basis, remarks: [], isUnderway }).content.core.lookups.map((lookup) => lookup.recheck);
    expect(rechecks(true)).toEqual(["never", "on_resume", "never"]);
    expect(rechecks(false)).toEqual(["at_admission", "on_resume", "never"]);
  });
});
