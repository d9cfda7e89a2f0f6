import assert from "node:assert/strict";
import { sha256Hex } from "../../json/digest.js";
import { assertRejects, casesOf, collect } from "./contract-case.js";
import {
  completed,
  entered,
  parked,
  runCanceledVoid,
  runCompleted,
  SAMPLE_RUNBOOK,
  SampleRun,
  spentApproval,
  submitted,
} from "./sample-run.js";

const BYTES = new TextEncoder().encode("kept beside the events");
const ARTIFACT = { id: sha256Hex(BYTES), kind: "note", bytes: BYTES };

/** `EventStore`: the one way to write history. */
export const commitContract = casesOf("events", {
  "commit writes all streams or none, in one transaction": async ({ stores }) => {
    const [one, two] = [new SampleRun(1), new SampleRun(2)];
    await two.submit(stores);
    const late = { ...two.write([entered("a")]), expectedSeq: 0, events: new SampleRun(2).submission().events };
    const first = { ...one.submission(), artifacts: [ARTIFACT], consume: { approvals: ["t1"] } };
    const answer = await stores.events.commit([first, late]);
    assert.deepEqual(answer, { kind: "conflict", stream: two.stream, actualSeq: 1 });
    assert.equal(await stores.reader.head("default", one.stream), undefined);
    assert.equal(await stores.artifacts.get("default", ARTIFACT.id), undefined);
    const both = await stores.events.commit([first, two.write([entered("a")])]);
    assert.equal(both.kind, "committed");
    assert.equal((await collect(stores.reader.read("default", one.stream))).length, 1);
    assert.equal((await collect(stores.reader.read("default", two.stream))).length, 2);
    assert.deepEqual((await stores.artifacts.get("default", ARTIFACT.id))?.bytes, BYTES);
  },
  "what the last stream of a commit refuses, the first one does not keep: events, head, useKey, tokens, messages, artifacts":
    async ({ stores }) => {
      const [one, two, three] = [new SampleRun(1), new SampleRun(2), new SampleRun(3)];
      await one.submit(stores, { uses: "once" });
      await two.submit(stores);
      await stores.inbox.put({ scope: "default", runId: one.runId, key: "k", kind: "signal", payload: 1 });
      const before = await stores.reader.head("default", one.stream);
      const consume = { approvals: ["t1"], signals: ["k"] };
      const first = one.write([runCanceledVoid], { artifacts: [ARTIFACT], consume });
      const claimed = two.claim(stores);
      const late = { ...claimed, claim: { owner: stores.owner, epoch: 5, leaseMs: 1 } };
      assert.equal((await stores.events.commit([first, three.submission(), late])).kind, "stale");
      assert.deepEqual(await stores.reader.head("default", one.stream), before);
      assert.equal((await collect(stores.reader.read("default", one.stream))).length, 1);
      assert.equal((await stores.inbox.pending("default", one.runId)).length, 1);
      assert.equal(await stores.reader.head("default", three.stream), undefined);
      assert.equal(await stores.artifacts.get("default", ARTIFACT.id), undefined);
      assert.equal((await stores.events.commit([three.submission({ uses: "once" })])).kind, "exists");
      assert.equal((await stores.events.commit([first, three.submission({ uses: "once" })])).kind, "committed");
    },
  "a run may begin under a lease, in its very first commit; where its use is taken nothing of it is left": async ({ stores }) => {
    const [run, other] = [new SampleRun(1), new SampleRun(2)];
    const first = run.beginning(stores, { uses: "once" });
    const answer = await stores.events.commit([first]);
    assert.ok(answer.kind === "committed", JSON.stringify(answer));
    run.adopt(first);
    const head = await stores.reader.head("default", run.stream);
    assert.deepEqual(
      [head?.seq, head?.epoch, head?.owner, head?.run?.status, head?.run?.submittedAt, head?.run?.startedAt],
      [3, 1, stores.owner, "running", answer.at, answer.at],
    );
    assert.ok((head?.leaseUntil ?? 0) > answer.at);
    assert.deepEqual(await stores.events.commit([other.beginning(stores, { uses: "once" })]), {
      kind: "exists",
      runId: run.runId,
      runbookId: SAMPLE_RUNBOOK,
    });
    assert.equal(await stores.reader.head("default", other.stream), undefined);
    await run.commit(stores, [entered("a"), completed("a")]);
    assert.equal((await stores.events.commit([{ ...run.claim(stores) }])).kind, "held");
    const before = await stores.reader.head("default", run.stream);
    await stores.projections.rebuild("default");
    assert.deepEqual(await stores.reader.head("default", run.stream), before);
  },
  "a message is consumed once, and only by a commit of its run": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await stores.inbox.put({ scope: "default", runId: run.runId, key: "k", kind: "signal", payload: 1 });
    await assertRejects(run.try(stores, [entered("a")], { consume: { signals: ["k", "none"] } }), "internal.invariant");
    assert.equal((await stores.inbox.pending("default", run.runId)).length, 1);
    await run.commit(stores, [entered("a")], { consume: { signals: ["k"] } });
    await assertRejects(run.try(stores, [entered("b")], { consume: { signals: ["k"] } }), "internal.invariant");
    assert.equal((await stores.reader.head("default", run.stream))?.seq, 2);
  },
  "a commit that contradicts itself is refused": async ({ stores }) => {
    const run = new SampleRun(1);
    const write = run.submission();
    const { run: _run, ...headless } = write;
    const contradictions = [
      [write, write],
      [headless],
      [{ ...write, stream: "run/another" as const }],
      [{ ...write, fence: { owner: "o", epoch: 1 }, claim: { owner: "o", epoch: 1, leaseMs: 1 } }],
      [{ ...spentApproval("default", "r"), claim: { owner: "o", epoch: 1, leaseMs: 1 } }],
      [{ ...spentApproval("default", "r"), consume: { signals: ["k"] } }],
      [{ ...write, events: [] }],
    ];
    for (const writes of contradictions) await assertRejects(stores.events.commit(writes), "internal.invariant");
    assert.deepEqual(await collect(stores.reader.heads("default")), []);
  },
  "commit answers the new heads and stamps every event with the store's time": async ({ stores }) => {
    const run = new SampleRun(1);
    const before = await stores.leases.now();
    const write = run.submission();
    const answer = await stores.events.commit([write]);
    const after = await stores.leases.now();
    assert.ok(answer.kind === "committed" && answer.at >= before && answer.at <= after);
    assert.deepEqual(answer.heads, [{ stream: run.stream, seq: 1, hash: write.events[0]?.hash }]);
    const [event] = await collect(stores.reader.read("default", run.stream));
    assert.equal(event?.at, answer.at);
    assert.equal((await stores.reader.head("default", run.stream))?.run?.submittedAt, answer.at);
  },
  "commit answers conflict with the actual seq when a stream is not at its expectedSeq": async ({ stores }) => {
    const run = new SampleRun(1);
    const again = run.submission();
    await run.submit(stores);
    assert.deepEqual(await stores.events.commit([again]), { kind: "conflict", stream: run.stream, actualSeq: 1 });
    const ahead = new SampleRun(2);
    ahead.adopt(ahead.submission());
    assert.deepEqual(await ahead.try(stores, [entered("a")]), { kind: "conflict", stream: ahead.stream, actualSeq: 0 });
  },
  "commit refuses as stale unless the head names this owner and epoch (X.5-19)": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    const stale = { kind: "stale", stream: run.stream, currentEpoch: 1, owner: stores.owner };
    for (const fence of [
      { owner: "somebody", epoch: 1 },
      { owner: stores.owner, epoch: 0 },
      { owner: stores.owner, epoch: 2 },
      null,
    ]) {
      assert.deepEqual(await run.try(stores, [entered("a")], { fence }), stale);
    }
    assert.equal(run.seq, 3);
    await run.commit(stores, [entered("a")]);
  },
  "commit refuses a fence on a run that nobody owns": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    const answer = await run.try(stores, [entered("a")], { fence: { owner: stores.owner, epoch: 0 } });
    assert.deepEqual(answer, { kind: "stale", stream: run.stream, currentEpoch: 0, owner: null });
  },
  "a claim is accepted only when nobody living holds the run, and names who does": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    const head = await stores.reader.head("default", run.stream);
    const answer = await other.events.commit([run.claim(other)]);
    assert.deepEqual(answer, { kind: "held", stream: run.stream, owner: stores.owner, leaseUntil: head?.leaseUntil });
  },
  "a claim takes the epoch before it plus one, and no other": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    for (const epoch of [0, 2]) {
      const write = { ...run.claim(stores), claim: { owner: stores.owner, epoch, leaseMs: 1000 } };
      assert.deepEqual(await stores.events.commit([write]), { kind: "stale", stream: run.stream, currentEpoch: 0, owner: null });
    }
    await run.start(stores);
    assert.equal((await stores.reader.head("default", run.stream))?.epoch, 1);
  },
  "of two owners who claim a run at once, exactly one gets it (X9, X.5-7)": async ({ stores, openAnother }) => {
    const other = await openAnother();
    for (let number = 1; number <= 20; number += 1) {
      const run = new SampleRun(number);
      await run.submit(stores);
      const answers = await Promise.all([stores.events.commit([run.claim(stores)]), other.events.commit([run.claim(other)])]);
      assert.deepEqual(answers.map(({ kind }) => kind).sort(), ["committed", "held"]);
      assert.equal((await collect(stores.reader.read("default", run.stream))).length, 3);
    }
  },
  "a run that was given up can be claimed at once, under the next epoch": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    await run.commit(stores, [], { releaseLease: true });
    assert.deepEqual(await run.try(stores, [entered("a")], { fence: { owner: stores.owner, epoch: 1 } }), {
      kind: "stale",
      stream: run.stream,
      currentEpoch: 1,
      owner: null,
    });
    await run.start(other);
    const head = await stores.reader.head("default", run.stream);
    assert.deepEqual([head?.owner, head?.epoch], [other.owner, 2]);
  },
  "a run that is parked or has ended has no owner": async ({ stores }) => {
    for (const [number, last] of [parked(null), runCompleted].entries()) {
      const run = new SampleRun(number);
      await run.submit(stores);
      await run.start(stores);
      await run.commit(stores, [last]);
      const head = await stores.reader.head("default", run.stream);
      assert.deepEqual([head?.owner, head?.leaseUntil, head?.epoch], [null, null, 1]);
    }
  },
  "a useKey that another run has is answered with that run, and nothing is written": async ({ stores }) => {
    const [first, second] = [new SampleRun(1), new SampleRun(2)];
    await first.submit(stores, { uses: "once" });
    const answer = await stores.events.commit([second.submission({ uses: "once" })]);
    assert.deepEqual(answer, { kind: "exists", runId: first.runId, runbookId: SAMPLE_RUNBOOK });
    assert.equal(await stores.reader.head("default", second.stream), undefined);
    assert.equal((await stores.events.commit([second.submission({ uses: "many" })])).kind, "committed");
  },
  "a run that ended void gives its useKey back, one that ended otherwise keeps it (decision 1.6)": async ({ stores }) => {
    const [first, second, third] = [new SampleRun(1), new SampleRun(2), new SampleRun(3)];
    await first.submit(stores, { uses: "once" });
    await first.commit(stores, [runCanceledVoid]);
    await second.submit(stores, { uses: "once" });
    await second.start(stores);
    await second.commit(stores, [runCompleted]);
    const answer = await stores.events.commit([third.submission({ uses: "once" })]);
    assert.deepEqual(answer, { kind: "exists", runId: second.runId, runbookId: SAMPLE_RUNBOOK });
  },
  "a token of an approval is spent once per scope, also by two owners at once": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const [one, two] = [new SampleRun(1), new SampleRun(2)];
    const answers = await Promise.all([
      stores.events.commit([{ ...one.submission(), consume: { approvals: ["nonce#0", "nonce#1"] } }]),
      other.events.commit([{ ...two.submission(), consume: { approvals: ["nonce#2", "nonce#1"] } }]),
    ]);
    const spent = answers.filter(({ kind }) => kind === "spent");
    assert.deepEqual(spent, [{ kind: "spent", token: "nonce#1" }]);
    const third = { ...new SampleRun(3).submission(), consume: { approvals: ["nonce#0", "nonce#2"] } };
    const again = await stores.events.commit([third]);
    assert.equal(again.kind, "spent");
  },
  "commit throws store.corrupt at an event that does not chain from the head": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    const write = run.write([entered("a"), completed("a")]);
    const [first, second] = write.events;
    assert.ok(first && second);
    const broken = [
      [{ ...first, prev: "0".repeat(64) }, second],
      [second],
      [first, first],
      [first, { ...second, seq: 9 }],
      [{ ...first, stream: "run/other" as const }],
    ];
    for (const events of broken) {
      await assertRejects(stores.events.commit([{ ...write, events }]), "store.corrupt");
    }
    assert.equal((await stores.reader.head("default", run.stream))?.seq, 1);
    assert.equal((await stores.events.commit([write])).kind, "committed");
  },
  "commit throws store.corrupt at an event of another epoch than the fence": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    const write = run.write([entered("a")]);
    const events = write.events.map((event) => ({ ...event, epoch: 7 }));
    await assertRejects(stores.events.commit([{ ...write, events }]), "store.corrupt");
    assert.equal((await stores.reader.head("default", run.stream))?.seq, 3);
  },
  "commit throws store.corrupt at an artifact under a wrong name, and writes nothing": async ({ stores }) => {
    const run = new SampleRun(1);
    const artifact = { ...ARTIFACT, id: "0".repeat(64) };
    await assertRejects(stores.events.commit([{ ...run.submission(), artifacts: [artifact] }]), "store.corrupt");
    assert.equal(await stores.reader.head("default", run.stream), undefined);
    await run.commit(stores, [submitted()], { artifacts: [ARTIFACT, ARTIFACT] });
    assert.deepEqual((await stores.artifacts.get("default", ARTIFACT.id))?.bytes, BYTES);
  },
  "a projection moves status, reason, wakeAt and useKey; the rest is settled by the first write": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores, { queue: "slow", priority: 4, dedupKey: "d" });
    const first = await stores.reader.head("default", run.stream);
    const write = run.write([entered("a")]);
    assert.ok(write.run);
    await stores.events.commit([
      { ...write, run: { ...write.run, queue: "fast", priority: 9, submittedAt: 1, status: "running" } },
    ]);
    const second = await stores.reader.head("default", run.stream);
    assert.deepEqual(second?.run, { ...first?.run, status: "running" });
  },
  "a write without a projection leaves it": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    const { run: _run, ...write } = run.write([entered("a")]);
    await stores.events.commit([write]);
    const head = await stores.reader.head("default", run.stream);
    assert.deepEqual([head?.seq, head?.run?.status, head?.run?.queue], [2, "queued", "default"]);
  },
  "commitMany answers each commit for itself, in order, and each sees the ones before it": async ({ stores }) => {
    const [one, two] = [new SampleRun(1), new SampleRun(2)];
    const first = one.submission({ uses: "once" });
    const answers = await stores.events.commitMany([[first], [two.submission({ uses: "once" })], [two.submission()], [first]]);
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ["committed", "exists", "committed", "conflict"],
    );
    assert.equal((await stores.reader.head("default", two.stream))?.seq, 1);
  },
  "commitMany writes nothing at all when one of its commits throws": async ({ stores }) => {
    const [one, two] = [new SampleRun(1), new SampleRun(2)];
    const torn = { ...two.submission(), artifacts: [{ ...ARTIFACT, id: "0".repeat(64) }] };
    await assertRejects(stores.events.commitMany([[one.submission()], [torn]]), "store.corrupt");
    assert.equal(await stores.reader.head("default", one.stream), undefined);
  },
  "two owners who append to many streams at once lose nothing": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const runs = Array.from({ length: 40 }, (_, number) => new SampleRun(number));
    await Promise.all(runs.map((run, number) => run.submit(number % 2 === 0 ? stores : other)));
    await Promise.all(runs.map((run, number) => run.commit(number % 2 === 0 ? other : stores, [entered("a"), completed("a")])));
    for (const run of runs) assert.equal((await collect(stores.reader.read("default", run.stream))).length, 3);
  },
  "other streams than runs are written without a lease": async ({ stores }) => {
    const write = spentApproval("default", "run/none");
    assert.equal((await stores.events.commit([write])).kind, "committed");
    const head = await stores.reader.head("default", write.stream);
    assert.deepEqual([head?.seq, head?.owner, head?.epoch, head?.run], [1, null, 0, null]);
    assert.equal((await stores.events.commit([write])).kind, "conflict");
  },
});
