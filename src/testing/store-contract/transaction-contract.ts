import assert from "node:assert/strict";
import type { StoreTransaction } from "../../stores/transactions.js";
import type { Stores } from "../../stores/stores.js";
import { RunsealError, isRunsealError } from "../../errors/error.js";
import { sha256Hex } from "../../json/digest.js";
import { assertRejects, casesOf, collect, NO_CLOCK, NO_ROWS, settled } from "./contract-case.js";
import { completed, entered, SampleRun } from "./sample-run.js";

const BYTES = new TextEncoder().encode("kept beside the rows");
const ARTIFACT = { id: sha256Hex(BYTES), kind: "note", bytes: BYTES };

/** What the host throws when it has changed its mind. */
const CHANGED_MIND = new RunsealError("run.invalid_option", "the host has changed its mind", { option: "mind" });

async function rolledBack(stores: Stores, work: (tx: StoreTransaction) => Promise<unknown>): Promise<void> {
  const end = stores.transactions.run(async (tx) => {
    await work(tx);
    throw CHANGED_MIND;
  });
  await assert.rejects(end, (error) => error === CHANGED_MIND);
}

/** `Transactions`: what host code and the log write together. */
export const transactionContract = casesOf("transactions", {
  "what is committed in a transaction is there after it, by the transaction or by its handle (decision 3.12)": async ({
    stores,
  }) => {
    const [one, two] = [new SampleRun(1), new SampleRun(2)];
    const value = await stores.transactions.run(async (tx) => {
      const answer = await stores.events.commit([{ ...one.submission(), artifacts: [ARTIFACT] }], { tx });
      assert.equal(answer.kind, "committed");
      const second = await stores.events.commit([two.submission()], { tx: tx.handle });
      assert.equal(second.kind, "committed");
      return "given";
    });
    assert.equal(value, "given");
    assert.equal((await stores.reader.head("default", one.stream))?.seq, 1);
    assert.equal((await stores.reader.head("default", two.stream))?.seq, 1);
    assert.deepEqual((await stores.artifacts.get("default", ARTIFACT.id))?.bytes, BYTES);
    one.adopt(one.submission());
    await one.commit(stores, [entered("a")]);
  },
  "what is committed in a transaction that throws is gone: events, heads, useKeys, tokens, messages, artifacts": async ({
    stores,
  }) => {
    const [one, two] = [new SampleRun(1), new SampleRun(2)];
    await one.submit(stores);
    await stores.inbox.put({ scope: "default", runId: one.runId, key: "k", kind: "signal", payload: 1 });
    const before = await stores.reader.head("default", one.stream);
    const consume = { approvals: ["t1"], signals: ["k"] };
    const write = one.write([entered("a")], { artifacts: [ARTIFACT], consume });
    await rolledBack(stores, async (tx) => {
      assert.equal((await stores.events.commit([write], { tx })).kind, "committed");
      assert.equal((await stores.events.commit([two.submission({ uses: "once" })], { tx })).kind, "committed");
    });
    assert.deepEqual(await stores.reader.head("default", one.stream), before);
    assert.equal((await collect(stores.reader.read("default", one.stream))).length, 1);
    assert.equal((await stores.inbox.pending("default", one.runId)).length, 1);
    assert.equal(await stores.reader.head("default", two.stream), undefined);
    assert.equal(await stores.artifacts.get("default", ARTIFACT.id), undefined);
    assert.equal((await stores.events.commit([write])).kind, "committed");
    assert.equal((await stores.events.commit([new SampleRun(3).submission({ uses: "once" })])).kind, "committed");
  },
  "the host's own rows and the log are there together, or neither is": async ({ stores, rows }) => {
    if (rows === undefined) return NO_ROWS;
    const run = new SampleRun(1);
    const get = (key: string): Promise<string | undefined> => stores.transactions.run(async (tx) => rows.get(tx.handle, key));
    await rolledBack(stores, async (tx) => {
      await rows.put(tx.handle, "a", "1");
      await stores.events.commit([run.submission()], { tx });
      assert.equal(await rows.get(tx.handle, "a"), "1");
    });
    assert.deepEqual([await get("a"), await stores.reader.head("default", run.stream)], [undefined, undefined]);
    await stores.transactions.run(async (tx) => {
      await rows.put(tx.handle, "a", "2");
      await stores.events.commit([run.submission()], { tx });
    });
    assert.equal(await get("a"), "2");
    assert.equal((await stores.reader.head("default", run.stream))?.seq, 1);
    return undefined;
  },
  "conflict, stale and exists are answered inside; they take back their own writes and no others": async ({ stores }) => {
    const [one, two, three] = [new SampleRun(1), new SampleRun(2), new SampleRun(3)];
    await one.submit(stores, { uses: "once" });
    await one.start(stores);
    await stores.transactions.run(async (tx) => {
      const ahead = { ...one.write([entered("a")]), expectedSeq: 2 };
      assert.deepEqual(await stores.events.commit([two.submission(), ahead], { tx }), {
        kind: "conflict",
        stream: one.stream,
        actualSeq: 3,
      });
      const zombie = one.write([entered("a")], { fence: { owner: "somebody", epoch: 1 } });
      assert.equal((await stores.events.commit([zombie], { tx })).kind, "stale");
      assert.equal((await stores.events.commit([two.submission({ uses: "once" })], { tx })).kind, "exists");
      assert.equal((await stores.events.commit([three.submission()], { tx })).kind, "committed");
      const done = one.write([entered("a"), completed("a")]);
      assert.equal((await stores.events.commit([done], { tx })).kind, "committed");
      assert.equal((await stores.events.commit([done], { tx })).kind, "conflict");
    });
    assert.equal((await stores.reader.head("default", one.stream))?.seq, 5);
    assert.equal(await stores.reader.head("default", two.stream), undefined);
    assert.equal((await stores.reader.head("default", three.stream))?.seq, 1);
  },
  "a fence is checked by a commit without events, too": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    await stores.transactions.run(async (tx) => {
      const { run: _run, ...own } = run.write([]);
      assert.equal((await stores.events.commit([own], { tx })).kind, "committed");
      const { run: _other, ...zombie } = run.write([], { fence: { owner: stores.owner, epoch: 9 } });
      assert.equal((await stores.events.commit([zombie], { tx })).kind, "stale");
    });
    assert.equal((await stores.reader.head("default", run.stream))?.seq, 3);
  },
  "commits of other runs wait or go on meanwhile, here and in another process, and none is lost": async (env) => {
    const { stores } = env;
    const other = await env.openAnother();
    for (const isKept of [true, false]) {
      const base = isKept ? 10 : 20;
      const [inside, ...outside] = [0, 1, 2, 3].map((number) => new SampleRun(base + number));
      assert.ok(inside);
      const waiting: Promise<unknown>[] = [];
      let begun = (): void => undefined;
      const isBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const end = stores.transactions.run(async (tx) => {
        begun();
        assert.equal((await stores.events.commit([inside.submission()], { tx })).kind, "committed");
        for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
        if (!isKept) throw CHANGED_MIND;
      });
      await isBegun;
      for (const [number, run] of outside.entries()) waiting.push(run.submit(number === 0 ? other : stores));
      if (isKept) await end;
      else await assert.rejects(end, (error) => error === CHANGED_MIND);
      const answers = await settled(env, Promise.all(waiting));
      assert.equal(answers.status, "fulfilled");
      for (const run of outside) assert.equal((await stores.reader.head("default", run.stream))?.seq, 1);
      assert.equal((await other.reader.head("default", inside.stream))?.seq, isKept ? 1 : undefined);
    }
  },
  "transactions that are asked for at once are all kept": async ({ stores }) => {
    const runs = [1, 2, 3, 4, 5].map((number) => new SampleRun(number));
    await Promise.all(
      runs.map((run) =>
        stores.transactions.run(async (tx) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          assert.equal((await stores.events.commit([run.submission()], { tx })).kind, "committed");
        }),
      ),
    );
    assert.equal((await stores.runs.list("default", {})).length, runs.length);
  },
  "nobody outside sees what is not committed yet": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    let begun = (): void => undefined;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const looks: { readonly other: Promise<unknown>; readonly own: Promise<unknown> }[] = [];
    const end = rolledBack(stores, async (tx) => {
      await stores.events.commit([run.submission()], { tx });
      begun();
      while (looks.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    });
    await isBegun;
    looks.push({ other: other.reader.head("default", run.stream), own: stores.reader.head("default", run.stream) });
    await end;
    for (const look of looks) assert.deepEqual([await look.other, await look.own], [undefined, undefined]);
  },
  "watchers are told after the commit, and not of what is rolled back": async ({ stores }) => {
    let calls = 0;
    const unwatch = stores.watch(() => {
      calls += 1;
    });
    const run = new SampleRun(1);
    await rolledBack(stores, (tx) => stores.events.commit([run.submission()], { tx }));
    assert.equal(calls, 0);
    await stores.transactions.run(async (tx) => {
      await stores.events.commit([run.submission()], { tx });
      assert.equal(calls, 0);
    });
    assert.equal(calls, 1);
    unwatch();
  },
  "a tx that is no open transaction of these stores is refused": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    for (const tx of [{}, null, "tx", { handle: {} }]) {
      await assertRejects(stores.events.commit([run.submission()], { tx }), "run.invalid_option");
    }
    const ended = await stores.transactions.run(async (tx) => tx);
    await assertRejects(stores.events.commit([run.submission()], { tx: ended }), "store.transaction_ended");
    await other.transactions.run(async (tx) => {
      await assertRejects(stores.events.commit([run.submission()], { tx }), "run.invalid_option");
    });
    assert.equal(await stores.reader.head("default", run.stream), undefined);
  },
  "a writing call beside the transaction, from inside it, is refused or goes on by itself, and never hangs": async ({
    stores,
  }) => {
    const run = new SampleRun(1);
    const outcome = await stores.transactions.run(async () => {
      try {
        await stores.events.commit([run.submission()]);
        return "by itself";
      } catch (error) {
        assert.ok(isRunsealError(error, "store.in_transaction"), String(error));
        return "refused";
      }
    });
    const head = await stores.reader.head("default", run.stream);
    assert.equal(head?.seq, outcome === "refused" ? undefined : 1);
    assert.equal((await stores.events.commit([new SampleRun(2).submission()])).kind, "committed");
  },
  "a transaction that is open for longer than 5 s is rolled back, and what waited goes on": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const [inside, outside] = [new SampleRun(1), new SampleRun(2)];
    let late: Promise<unknown> = Promise.resolve();
    let release = (): void => undefined;
    const never = new Promise<void>((resolve) => {
      release = resolve;
    });
    const end = stores.transactions.run(async (tx) => {
      assert.equal((await stores.events.commit([inside.submission()], { tx })).kind, "committed");
      await never;
      late = stores.events.commit([inside.submission()], { tx });
      await late;
    });
    const waiting = outside.submit(stores);
    const outcome = await settled(env, end);
    assert.ok(
      outcome.status === "rejected" && isRunsealError(outcome.reason, "store.transaction_timeout"),
      JSON.stringify(outcome),
    );
    await waiting;
    assert.equal(await stores.reader.head("default", inside.stream), undefined);
    release();
    await never;
    await assertRejects(late, "store.transaction_timeout");
    assert.equal(await stores.reader.head("default", inside.stream), undefined);
    return undefined;
  },
});
