import assert from "node:assert/strict";
import type { InboxEntry } from "../../stores/inbox.js";
import { INBOX_UNDELIVERED_MAX } from "../../stores/inbox.js";
import { casesOf } from "./contract-case.js";
import { entered, parked, runCompleted, SampleRun } from "./sample-run.js";

const message = (run: SampleRun, key: string, over: Partial<InboxEntry> = {}): InboxEntry => ({
  scope: run.scope,
  runId: run.runId,
  key,
  kind: "signal",
  payload: { of: key },
  ...over,
});

/** `Inbox`: messages to runs. */
export const inboxContract = casesOf("inbox", {
  "put stores a message once: an equal repeat is the same, another payload or kind is a conflict": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    assert.deepEqual(await stores.inbox.put(message(run, "k", { payload: { b: 1, a: [2] } })), { kind: "stored" });
    assert.deepEqual(await stores.inbox.put(message(run, "k", { payload: { a: [2], b: 1 } })), { kind: "same" });
    assert.deepEqual(await stores.inbox.put(message(run, "k", { payload: { a: [2], b: 2 } })), { kind: "conflict" });
    assert.deepEqual(await stores.inbox.put(message(run, "k", { payload: { b: 1, a: [2] }, kind: "cancel" })), {
      kind: "conflict",
    });
    assert.equal((await stores.inbox.pending("default", run.runId)).length, 1);
  },
  "put refuses a run that does not exist, or has ended, but repeats itself": async ({ stores }) => {
    const run = new SampleRun(1);
    assert.deepEqual(await stores.inbox.put(message(run, "k")), { kind: "not_found" });
    assert.deepEqual(await stores.inbox.pending("default", run.runId), []);
    await run.submit(stores);
    await stores.inbox.put(message(run, "k"));
    await run.start(stores);
    await run.commit(stores, [runCompleted]);
    assert.deepEqual(await stores.inbox.put(message(run, "other")), { kind: "terminal", status: "completed" });
    assert.deepEqual(await stores.inbox.put(message(run, "k")), { kind: "same" });
  },
  "put refuses signals and decisions beyond the bound; what stops a run still finds room": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    for (let number = 0; number < INBOX_UNDELIVERED_MAX; number += 1) {
      assert.equal((await stores.inbox.put(message(run, `k${number}`))).kind, "stored");
    }
    const full = { kind: "full", undeliveredMax: INBOX_UNDELIVERED_MAX };
    assert.deepEqual(await stores.inbox.put(message(run, "more")), full);
    assert.deepEqual(await stores.inbox.put(message(run, "more", { kind: "decision" })), full);
    assert.deepEqual(await stores.inbox.put(message(run, "stop", { kind: "cancel" })), { kind: "stored" });
    await run.commit(stores, [entered("a")], { consume: { signals: ["k0", "k1"] } });
    assert.deepEqual(await stores.inbox.put(message(run, "more")), { kind: "stored" });
  },
  "messages come in order of arrival, frozen, whatever their keys": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    await run.submit(stores);
    for (const [index, key] of ["z", "a", "__proto__", "Zo\u00eb \u2028"].entries()) {
      await (index % 2 === 0 ? stores : other).inbox.put(message(run, key));
    }
    const pending = await stores.inbox.pending("default", run.runId);
    assert.deepEqual(
      pending.map(({ key }) => key),
      ["z", "a", "__proto__", "Zo\u00eb \u2028"],
    );
    assert.deepEqual(
      pending.map(({ order }) => order),
      [1, 2, 3, 4],
    );
    assert.deepEqual(pending[1], { ...message(run, "a"), order: 2 });
    assert.ok(Object.isFrozen(pending[1]) && Object.isFrozen(pending[1].payload));
  },
  "a message makes its run due in the same transaction": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    await run.commit(stores, [parked(null)]);
    assert.equal((await stores.reader.head("default", run.stream))?.run?.wakeAt, null);
    await stores.inbox.put(message(run, "k"));
    assert.equal((await stores.reader.head("default", run.stream))?.run?.wakeAt, 0);
  },
  "a commit consumes messages with its events, all or nothing": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    for (const key of ["a", "b", "c"]) await stores.inbox.put(message(run, key));
    const write = run.write([entered("x")], { consume: { signals: ["a", "b"] } });
    assert.equal((await stores.events.commit([{ ...write, fence: { owner: "nobody", epoch: 4 } }])).kind, "stale");
    assert.equal((await stores.inbox.pending("default", run.runId)).length, 3);
    assert.equal((await stores.events.commit([write])).kind, "committed");
    assert.deepEqual(
      (await stores.inbox.pending("default", run.runId)).map(({ key }) => key),
      ["c"],
    );
    const all = await stores.inbox.all("default", run.runId);
    assert.deepEqual(
      all.map(({ key, consumed }) => [key, consumed]),
      [
        ["a", true],
        ["b", true],
        ["c", false],
      ],
    );
  },
  "a message that arrived before a run parked keeps it due until it is consumed": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    await stores.inbox.put(message(run, "early"));
    await run.commit(stores, [parked(9_000_000_000_000)]);
    assert.equal((await stores.reader.head("default", run.stream))?.run?.wakeAt, 0);
    assert.equal((await stores.runs.due({ scope: null, queues: null, limit: 9 })).length, 1);
    await run.commit(stores, [], { consume: { signals: ["early"] } });
    assert.equal((await stores.reader.head("default", run.stream))?.run?.wakeAt, 9_000_000_000_000);
    assert.equal((await stores.runs.due({ scope: null, queues: null, limit: 9 })).length, 0);
  },
  "of several senders of one key, the first payload wins": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    await run.submit(stores);
    const senders = Array.from({ length: 10 }, (_, number) => (number % 2 === 0 ? stores : other));
    const answers = await Promise.all(senders.map((sender, number) => sender.inbox.put(message(run, "k", { payload: number }))));
    assert.equal(answers.filter(({ kind }) => kind === "stored").length, 1);
    assert.equal(answers.filter(({ kind }) => kind === "conflict").length, 9);
    assert.equal((await stores.inbox.all("default", run.runId)).length, 1);
  },
});
