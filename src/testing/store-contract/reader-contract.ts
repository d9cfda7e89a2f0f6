import assert from "node:assert/strict";
import type { EventDraft } from "../../model/event.js";
import { casesOf, collect } from "./contract-case.js";
import { entered, SampleRun, spentApproval } from "./sample-run.js";

const ODD_TEXT = 'Zo\u00eb \u2028\u2029 "\\" \u0000 \u001f \ud83d\ude00 \ufeff <script> \'; drop table';

const progress = (done: number): EventDraft => ({ kind: "progress", payload: { stepId: "a", done, total: null } });

/** `EventReader`: reading history. */
export const readerContract = casesOf("reader", {
  "read gives events in order of seq, as they were written": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    const write = run.write([entered("a"), progress(1)]);
    await stores.events.commit([write]);
    const events = await collect(stores.reader.read("default", run.stream));
    assert.deepEqual(
      events.map(({ seq, kind }) => [seq, kind]),
      [
        [1, "run.submitted"],
        [2, "step.entered"],
        [3, "progress"],
      ],
    );
    for (const [index, event] of write.events.entries()) {
      const { scope, at, ...chained } = events[index + 1] ?? assert.fail();
      assert.deepEqual(chained, event);
      assert.deepEqual([scope, typeof at], ["default", "number"]);
    }
  },
  "read gives a range, and nothing for what is not there": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.commit(stores, [1, 2, 3, 4].map(progress));
    const seqs = async (range: { fromSeq?: number; toSeq?: number }): Promise<number[]> =>
      (await collect(stores.reader.read("default", run.stream, range))).map(({ seq }) => seq);
    assert.deepEqual(await seqs({ fromSeq: 3 }), [3, 4, 5]);
    assert.deepEqual(await seqs({ toSeq: 2 }), [1, 2]);
    assert.deepEqual(await seqs({ fromSeq: 2, toSeq: 4 }), [2, 3, 4]);
    assert.deepEqual(await seqs({ fromSeq: 0, toSeq: 1 }), [1]);
    assert.deepEqual(await seqs({ fromSeq: 6 }), []);
    assert.deepEqual(await seqs({ fromSeq: 3, toSeq: 2 }), []);
    assert.deepEqual(await collect(stores.reader.read("default", "run/none")), []);
  },
  "read gives long streams whole": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.commit(
      stores,
      Array.from({ length: 1500 }, (_, done) => progress(done)),
    );
    const events = await collect(stores.reader.read("default", run.stream));
    assert.deepEqual([events.length, events.at(-1)?.seq], [1501, 1501]);
  },
  "payloads come back byte for byte: odd Unicode, __proto__ and a mebibyte": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    const odd: unknown = JSON.parse(JSON.stringify({ text: ODD_TEXT }).replace("text", "__proto__"));
    const drafts = [odd as { text: string }, { text: "x".repeat(1_000_000) }].map((payload): EventDraft => ({
      kind: "domain",
      payload: { name: "odd", stepId: null, payload },
    }));
    const write = run.write(drafts);
    await stores.events.commit([write]);
    const [, ...events] = await collect(stores.reader.read("default", run.stream));
    assert.deepEqual(
      events.map(({ payloadText }) => payloadText),
      write.events.map(({ payloadText }) => payloadText),
    );
    assert.ok(events[0]?.payloadText.includes('"__proto__":'));
  },
  "head follows the stream, and is undefined where there is none": async ({ stores }) => {
    const run = new SampleRun(1);
    assert.equal(await stores.reader.head("default", run.stream), undefined);
    await run.submit(stores);
    const write = run.write([entered("a")]);
    await stores.events.commit([write]);
    const head = await stores.reader.head("default", run.stream);
    assert.deepEqual([head?.scope, head?.stream, head?.seq, head?.hash], ["default", run.stream, 2, write.events[0]?.hash]);
    assert.deepEqual(head?.run?.requires, ["c2", "c1"]);
    assert.deepEqual(head.run.labels, { team: "blue" });
  },
  "heads gives every stream of a scope, sorted in code units": async ({ stores }) => {
    const runs = [3, 1, 2].map((number) => new SampleRun(number));
    for (const run of runs) await run.submit(stores);
    await stores.events.commit([spentApproval("default", "r")]);
    await new SampleRun(9, "other").submit(stores);
    const streams = (await collect(stores.reader.heads("default"))).map(({ stream }) => stream);
    assert.deepEqual(streams, [...streams].sort());
    assert.equal(streams.length, 4);
  },
});
