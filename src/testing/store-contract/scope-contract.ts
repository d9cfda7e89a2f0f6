import assert from "node:assert/strict";
import { present } from "../../errors/invariant.js";
import { assertRejects, casesOf, collect } from "./contract-case.js";
import { SampleRun, spentApproval } from "./sample-run.js";
import { sampleRunbook } from "./sample-runbook.js";
import { sha256Hex } from "../../json/digest.js";

const BYTES = Uint8Array.from([1, 2, 3]);

/** Scopes that a careless key would take for one another. */
const SCOPES = ["a", "A", "a/b", "a\n", "", "\u00e9", "e\u0301", "a'--", "%", "_"] as const;

/** Isolation between scopes, over every port. */
export const scopeContract = casesOf("scopes", {
  "streams of one name in several scopes know nothing of each other": async ({ stores }) => {
    for (const scope of SCOPES) await new SampleRun(1, scope).submit(stores, { uses: "once", queue: `q${scope}` });
    for (const scope of SCOPES) {
      const [event, ...rest] = await collect(stores.reader.read(scope, new SampleRun(1, scope).stream));
      assert.deepEqual([event?.scope, rest.length], [scope, 0]);
      const heads = await collect(stores.reader.heads(scope));
      assert.deepEqual(
        heads.map((head) => [head.scope, head.run?.queue]),
        [[scope, `q${scope}`]],
      );
      assert.equal((await stores.runs.list(scope, {})).length, 1);
      assert.equal((await stores.runs.due({ scope, queues: null, limit: 99 })).length, 1);
    }
    assert.equal((await stores.runs.due({ scope: null, queues: null, limit: 99 })).length, SCOPES.length);
    assert.deepEqual(await collect(stores.reader.heads("b")), []);
  },
  "tokens, inboxes, runbooks, versions and artifacts belong to their scope": async ({ stores }) => {
    const id = sha256Hex(BYTES);
    const runbook = sampleRunbook("a", { scope: "a" });
    const run = new SampleRun(1, "a");
    await run.submit(stores);
    await stores.inbox.put({ scope: "a", runId: run.runId, key: "k", kind: "signal", payload: 1 });
    await stores.runbooks.put(runbook);
    await stores.runbooks.recordVersion("a", "s", runbook.id);
    await stores.artifacts.put("a", { id, kind: "k", bytes: BYTES });
    await stores.events.commit([{ ...spentApproval("a", "r"), consume: { approvals: ["t"] } }]);
    assert.equal(await stores.reader.head("b", run.stream), undefined);
    assert.deepEqual(await stores.inbox.all("b", run.runId), []);
    assert.deepEqual(await stores.inbox.put({ scope: "b", runId: run.runId, key: "k", kind: "signal", payload: 1 }), {
      kind: "not_found",
    });
    assert.equal(await stores.runbooks.get("b", runbook.id), undefined);
    assert.deepEqual(await stores.runbooks.list("b"), []);
    assert.equal(await stores.artifacts.get("b", id), undefined);
    assert.equal(await stores.leases.renew("b", run.stream, { owner: stores.owner, epoch: 0, leaseMs: 1 }), false);
    const spent = await stores.events.commit([{ ...spentApproval("b", "r"), consume: { approvals: ["t"] } }]);
    assert.equal(spent.kind, "committed");
  },
  "names that a text column can't keep are refused: NUL and lone surrogates, which would make two names one": async ({
    stores,
  }) => {
    const write = new SampleRun(1).submission();
    const run = present(write.run, "a submission has a projection");
    for (const odd of ["a\u0000", "a\ud800", "\udc00a"]) {
      const forged = [
        { ...write, scope: odd },
        { ...write, consume: { approvals: [odd] } },
        ...[{ queue: odd }, { dedupKey: odd }, { useKey: odd }].map((over) => ({ ...write, run: { ...run, ...over } })),
      ];
      for (const each of forged) await assertRejects(stores.events.commit([each]), "value.not_canonical");
      await assertRejects(stores.artifacts.put(odd, { id: sha256Hex(BYTES), kind: "k", bytes: BYTES }), "value.not_canonical");
      const message = { scope: "default", runId: run.runId, key: odd, kind: "signal", payload: 1 } as const;
      await assertRejects(stores.inbox.put(message), "value.not_canonical");
      await assertRejects(stores.runbooks.recordVersion("default", odd, sampleRunbook("a").id), "value.not_canonical");
    }
    assert.deepEqual(await collect(stores.reader.heads("default")), []);
  },
});
