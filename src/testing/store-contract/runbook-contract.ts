import assert from "node:assert/strict";
import type { RunbookId } from "../../model/ids.js";
import type { Runbook } from "../../model/runbook.js";
import { assertRejects, casesOf } from "./contract-case.js";
import { sampleRunbook } from "./sample-runbook.js";

/** `RunbookStore`: sealed runbooks. */
export const runbookContract = casesOf("runbooks", {
  "get gives back what put stored, frozen through and through": async ({ stores }) => {
    const runbook = sampleRunbook("a");
    assert.deepEqual(await stores.runbooks.put(runbook), { isNew: true });
    const stored = await stores.runbooks.get("default", runbook.id);
    assert.deepEqual(stored, runbook);
    assert.ok(Object.isFrozen(stored) && Object.isFrozen(stored.content.core.limits) && Object.isFrozen(stored.document.output));
    assert.equal(stored.steps, stored.content.steps);
    assert.equal(await stores.runbooks.get("default", `rb_${"0".repeat(64)}`), undefined);
  },
  "a repeat changes nothing (A-142, X4, X.5-6)": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const runbook = sampleRunbook("a");
    const answers = await Promise.all([stores, other, stores, other].map((each) => each.runbooks.put(runbook)));
    assert.equal(answers.filter(({ isNew }) => isNew).length, 1);
    assert.deepEqual(await stores.runbooks.documents("default", runbook.id), [runbook.documentDigest]);
    assert.deepEqual(await stores.runbooks.list("default"), [runbook.id]);
    assert.equal(await stores.reader.head("default", `runbook/${runbook.id}`), undefined);
  },
  "a document that is new for a known id stands beside the earlier ones, and get gives the newest": async ({ stores }) => {
    const first = sampleRunbook("a");
    const second = sampleRunbook("a", { title: "said otherwise" });
    assert.equal(second.id, first.id);
    await stores.runbooks.put(first);
    assert.deepEqual(await stores.runbooks.put(second), { isNew: false });
    await stores.runbooks.put(first);
    assert.deepEqual(await stores.runbooks.documents("default", first.id), [first.documentDigest, second.documentDigest]);
    assert.equal((await stores.runbooks.get("default", first.id))?.document.title, "said otherwise");
    assert.deepEqual(await stores.runbooks.documents("default", `rb_${"0".repeat(64)}`), []);
  },
  "put refuses an id that is not the digest of the content, and a document digest that is not the document's": async ({
    stores,
  }) => {
    const runbook = sampleRunbook("a");
    const other = sampleRunbook("b");
    const forged: readonly Runbook[] = [
      { ...runbook, id: other.id },
      { ...runbook, content: other.content },
      { ...runbook, documentDigest: other.documentDigest },
      { ...runbook, document: { ...runbook.document, title: "forged" } },
      { ...runbook, id: `rb_${runbook.id.slice(3, 35)}${"0".repeat(32)}` },
    ];
    for (const each of forged) await assertRejects(stores.runbooks.put(each), "store.corrupt");
    assert.deepEqual(await stores.runbooks.list("default"), []);
  },
  "recordVersion numbers a session's compilations, and the same runbook twice in a row keeps its number (X3)": async ({
    stores,
  }) => {
    const [a, b] = [sampleRunbook("a"), sampleRunbook("b")];
    await stores.runbooks.put(a);
    await stores.runbooks.put(b);
    const versions = [];
    for (const { id } of [a, a, b, a, a]) versions.push(await stores.runbooks.recordVersion("default", "session", id));
    assert.deepEqual(versions, [1, 1, 2, 3, 3]);
    assert.equal(await stores.runbooks.recordVersion("default", "another session", b.id), 1);
    const unknown = stores.runbooks.recordVersion("default", "session", `rb_${"0".repeat(64)}`);
    await assertRejects(unknown, "runbook.not_found");
  },
  "list gives ids in order of first storing, and continues after one": async ({ stores }) => {
    const ids: RunbookId[] = [];
    for (const intent of ["c", "a", "d", "b"]) {
      const runbook = sampleRunbook(intent);
      await stores.runbooks.put(runbook);
      ids.push(runbook.id);
    }
    const [first, second] = ids;
    assert.ok(first && second);
    assert.deepEqual(await stores.runbooks.list("default"), ids);
    assert.deepEqual(await stores.runbooks.list("default", { limit: 2 }), ids.slice(0, 2));
    assert.deepEqual(await stores.runbooks.list("default", { after: second, limit: 1 }), ids.slice(2, 3));
    assert.deepEqual(await stores.runbooks.list("default", { after: `rb_${"0".repeat(64)}` }), []);
  },
});
