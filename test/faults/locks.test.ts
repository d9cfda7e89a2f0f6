import { describe, expect, test } from "vitest";
import { Rig } from "../engine/rig.js";
import { buildRunbook, written } from "../engine/build-runbook.js";
import { failingStores } from "../../src/testing/failing-stores.js";
import { lockKeyOf } from "../../src/history/lock-requests.js";
import { pauseMessage } from "../../src/engine/inbox-message.js";

const account = { kind: "account", id: "1" };
const key = lockKeyOf("default", account);
const runbook = buildRunbook({ steps: [{ id: "a", effect: "write", writes: [written("account", "1")] }] });
const verbs = { "test.work": { run: async () => null } };

describe("locks of a run whose store fails now and then", () => {
  test("are given back later when giving them back failed, so that other runs can have them (reliability row 48)", async () => {
    const base = new Rig();
    const stores = failingStores(base.stores, [{ mode: "before", at: 1, call: "locks.release" }]);
    const rig = new Rig({ env: base.env, stores, verbs });
    expect(await rig.execute(runbook)).toMatchObject({ kind: "rested", result: { status: "completed" } });
    expect(await base.stores.locks?.holder(key)).toBeDefined();
    await base.env.advance(1_000);
    expect(await base.stores.locks?.holder(key)).toBeUndefined();
  });

  test("are not taken any more when the run was given up while it waited for them", async () => {
    const base = new Rig();
    const locks = base.stores.locks;
    if (locks === undefined) throw new TypeError("memory stores have locks");
    const owner = { scope: "default", runId: "other", runbookId: "rb_1", holder: base.stores.owner } as const;
    const held = await locks.acquire([{ key, ...account, access: "write" }], { deadlineMs: 0, owner });
    const stores = failingStores(base.stores, [{ mode: "before", at: 2, call: "inbox.pending" }]);
    const rig = new Rig({ env: base.env, stores, verbs });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    const given = expect(end).rejects.toMatchObject({ code: "store.failed" });
    await base.put(pauseMessage("default", runId, { by: null, nonce: "1" }));
    await given;
    await held.release();
    await base.env.settle();
    expect(await locks.holder(key)).toBeUndefined();
  });
});
