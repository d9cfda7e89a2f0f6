import fc from "fast-check";
import { afterAll, describe, expect, inject, test } from "vitest";
import type { CommitAnswer } from "../../src/stores/event-store.js";
import type { StoredEvent } from "../../src/model/event.js";
import { completed, entered, parked, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { refusal } from "./fresh-schema.js";
import { adminPool, intactEvents, openStores } from "./fault-ground.js";
import { OpenSchema } from "./open-schema.js";

const SLOW = { timeout: 60_000 };
const schemas: OpenSchema[] = [];
afterAll(async () => {
  for (const schema of schemas) await schema.drop();
});
const url = inject("databaseUrl");

function schemaOf(): string {
  const schema = new OpenSchema();
  schemas.push(schema);
  return schema.name;
}

/** A run that was submitted, as somebody knows it who has only read it. */
function readRun(number: number): SampleRun {
  const run = new SampleRun(number);
  run.adopt(run.submission());
  return run;
}

describe("two workers that resume the same run", () => {
  test(
    "a hundred times: exactly one claims it, appends under its lease, and the other is told (reliability row 39)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const { stores: one } = openStores(url, schema);
      const { stores: other } = openStores(url, schema);
      for (let number = 1; number <= 100; number += 1) {
        const submitted = new SampleRun(number);
        await submitted.submit(one);
        const rivals = [one, other].map((stores) => ({ stores, run: readRun(number) }));
        const claims = rivals.map(({ stores, run }) => run.claim(stores, 600_000));
        const answers = await Promise.all(
          rivals.map(({ stores }, place) => stores.events.commit(claims.slice(place, place + 1))),
        );
        const winner = answers.findIndex(({ kind }) => kind === "committed");
        expect(answers[1 - winner]).toMatchObject({ kind: "held", owner: rivals[winner]?.stores.owner });
        // both go on as if they had it
        for (const [place, { run }] of rivals.entries()) {
          const claim = claims[place];
          if (claim !== undefined) run.adopt(claim);
        }
        const steps = await Promise.all(rivals.map(({ stores, run }) => run.try(stores, [entered("a")])));
        expect(steps[winner]?.kind).toBe("committed");
        expect(steps[1 - winner]).toMatchObject({ kind: "stale", owner: rivals[winner]?.stores.owner });
      }
      const last = await intactEvents(one, new SampleRun(100));
      expect(last.map(({ kind }) => kind)).toEqual(["run.submitted", "lease.taken", "run.started", "step.entered"]);
    },
  );
});

describe("the database itself", () => {
  const insertOf = (schema: string): string => `INSERT INTO ${schema}.event_rows
    (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
    SELECT h.id, 0, $4, $3, $5, $6, decode($7, 'hex'), decode($8, 'hex'), $9 FROM ${schema}.heads h
    WHERE h.stream = $1 AND h.owner = $2 AND h.epoch = $3`;

  test(
    "refuses a stale epoch, whatever client asks: in the insert, in many, and in commit_writes (reliability row 40)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const admin = adminPool(url);
      const { stores: zombie } = openStores(url, schema);
      const { stores: heir } = openStores(url, schema);
      const run = new SampleRun(1);
      await run.submit(zombie);
      await run.start(zombie, 600_000);
      await run.commit(zombie, [entered("a")]);
      const late = run.write([completed("a"), entered("b")]);
      await admin.query(`UPDATE ${schema}.heads SET lease_until = 0 WHERE stream = $1`, [run.stream]);
      const taken = new SampleRun(1);
      taken.adopt(taken.submission());
      taken.adopt(taken.claim(zombie, 600_000));
      taken.adopt(taken.write([entered("a")]));
      await taken.start(heir, 600_000);
      const [event] = late.events;
      const values = [
        run.stream,
        zombie.owner,
        1,
        7,
        event?.v,
        event?.kind,
        event?.payloadDigest,
        event?.hash,
        event?.payloadText,
      ];
      expect((await admin.query(insertOf(schema), values)).rowCount).toBe(0);
      const [head] = (await admin.query<{ id: string }>(`SELECT id FROM ${schema}.heads WHERE stream = $1`, [run.stream])).rows;
      const nothing = "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '', '', '', NULL, '{}'";
      const many = await admin.query(
        `SELECT done FROM ${schema}.advance_many(ARRAY[$1::bigint], ARRAY[$2], '{1}', '{4}', decode($3, 'hex'), ${nothing})`,
        [head?.id, zombie.owner, event?.prev],
      );
      expect(many.rows).toEqual([{ done: null }]);
      const raw = { s: "default", t: run.stream, x: 6, n: 6, fo: zombie.owner, fe: 1, e: [] };
      const asked = await admin.query(`SELECT ${schema}.commit_writes($1, '{}', 'c') AS answers`, [JSON.stringify([[raw]])]);
      const stale = { kind: "stale", stream: run.stream, currentEpoch: 2, owner: heir.owner };
      expect(asked.rows).toEqual([{ answers: [stale] }]);
      // and so does the way that the process itself takes, which still knows the run as its own
      expect(await zombie.events.commit([late])).toEqual(stale);
      expect((await intactEvents(heir, taken)).map(({ epoch }) => epoch)).toEqual([0, 1, 1, 1, 2, 2]);
    },
  );

  test("refuses a seq twice by its key, and one beyond a gap by its checks (reliability row 42)", SLOW, async () => {
    const schema = schemaOf();
    const admin = adminPool(url);
    const { stores } = openStores(url, schema);
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores, 600_000);
    const write = run.write([entered("a")]);
    const [event] = write.events;
    await run.commit(stores, [entered("a")]);
    const { owner } = stores;
    const values = [run.stream, owner, 1, 4, event?.v, event?.kind, event?.payloadDigest, event?.hash, event?.payloadText];
    expect(await refusal(admin.query(insertOf(schema), values))).toBe("23505");
    expect(await stores.events.commit([write])).toEqual({ kind: "conflict", stream: run.stream, actualSeq: 4 });
    const gap = { ...run.write([completed("a")]), expectedSeq: 5 };
    await expect(stores.events.commit([{ ...gap, events: gap.events.map((one) => ({ ...one, seq: 6 })) }])).resolves.toEqual({
      kind: "conflict",
      stream: run.stream,
      actualSeq: 4,
    });
    await expect(
      stores.events.commit([{ ...gap, expectedSeq: 4, events: gap.events.map((one) => ({ ...one, seq: 6 })) }]),
    ).rejects.toMatchObject({ code: "store.corrupt", details: { seq: 5 } });
    expect(await intactEvents(stores, run)).toHaveLength(4);
  });

  test("gives the order of a stream by seq, whatever order transactions commit in (reliability row 43)", SLOW, async () => {
    const schema = schemaOf();
    const admin = adminPool(url);
    const { stores } = openStores(url, schema);
    await stores.leases.now();
    const [slow, quick] = [new SampleRun(1), new SampleRun(2)];
    const holder = await admin.connect();
    await holder.query("BEGIN");
    expect(await stores.events.commit([slow.submission()], { tx: holder })).toMatchObject({ kind: "committed" });
    await quick.submit(stores);
    await quick.start(stores);
    expect(await stores.reader.head("default", slow.stream)).toBeUndefined();
    await holder.query("COMMIT");
    holder.release();
    expect((await intactEvents(stores, slow)).map(({ seq }) => seq)).toEqual([1]);
    expect((await intactEvents(stores, quick)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe("a storm of conflicts", () => {
  test(
    "over one hot stream of twenty writers ends with each acknowledged event there once (reliability row 29)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const opened = [1, 2, 3, 4].map(() => openStores(url, schema).stores);
      const [first] = opened;
      await first?.leases.now();
      const runs = Array.from({ length: 20 }, (_, number) => new SampleRun(number + 1));
      const kinds = await Promise.all(
        runs.map(async (run, place) => {
          const stores = opened[place % opened.length] ?? expect.unreachable("there are stores");
          // every commit wants two streams, half of them in the other order, and one name for itself
          const hot = new SampleRun(100).submission({ uses: "once" });
          const own = run.submission();
          return (await stores.events.commit(place % 2 === 0 ? [hot, own] : [own, hot])).kind;
        }),
      );
      expect(kinds.filter((kind) => kind === "committed")).toHaveLength(1);
      expect(kinds.filter((kind) => kind === "conflict")).toHaveLength(19);
      const there = await Promise.all(runs.map(async (run) => first?.reader.head("default", run.stream)));
      expect(there.filter((head) => head !== undefined)).toHaveLength(1);
      expect(there.map((head) => head !== undefined)).toEqual(kinds.map((kind) => kind === "committed"));
    },
  );
});

/** What one of three processes does next with one of three runs. */
interface Deed {
  readonly by: number;
  readonly run: number;
  readonly what: "claim" | "step" | "big step" | "release" | "park" | "die";
}
const deeds = fc.array(
  fc.array(
    fc.record<Deed>({
      by: fc.nat(2),
      run: fc.nat(2),
      what: fc.constantFrom("claim", "claim", "step", "step", "step", "big step", "release", "park", "die"),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  { minLength: 4, maxLength: 14 },
);

describe("three processes over three runs", () => {
  test(
    "whatever they do at once: chains hold, an epoch has one owner, and what was acknowledged is there once (reliability rows 39, 40 and 42)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const admin = adminPool(url);
      const processes = [0, 1, 2].map(() => openStores(url, schema, {}, { max: 3 }).stores);
      const [observer] = processes;
      if (observer === undefined) return expect.unreachable("there are processes");
      let base = 0;
      await fc.assert(
        fc.asyncProperty(deeds, async (rounds) => {
          base += 3;
          const acknowledged: { readonly stream: string; readonly seq: number; readonly hash: string }[] = [];
          // beliefs[process][run]
          const beliefs = processes.map(() => [1, 2, 3].map((number) => new SampleRun(base + number)));
          for (const number of [1, 2, 3]) {
            const run = new SampleRun(base + number);
            const write = run.submission();
            await observer.events.commit([write]);
            for (const mine of beliefs) mine[number - 1]?.adopt(write);
          }
          const act = async ({ by, run: place, what }: Deed): Promise<CommitAnswer["kind"] | "nothing"> => {
            const stores = processes[by];
            const run = beliefs[by]?.[place];
            if (stores === undefined || run === undefined) return "nothing";
            if (what === "die") {
              await admin.query(`UPDATE ${schema}.heads SET lease_until = 0 WHERE stream = $1 AND owner = $2`, [
                run.stream,
                stores.owner,
              ]);
              return "nothing";
            }
            const write =
              what === "claim"
                ? run.claim(stores, 600_000)
                : what === "park"
                  ? run.write([parked(null)])
                  : run.write(
                      what === "big step" ? [completed("a"), entered("b"), completed("b"), entered("c")] : [entered("a")],
                      what === "release" ? { releaseLease: true } : {},
                    );
            const answer = await stores.events.commit([write]);
            if (answer.kind !== "committed") return answer.kind;
            for (const { seq, hash } of write.events) acknowledged.push({ stream: run.stream, seq, hash });
            for (const mine of beliefs) {
              const believed = mine[place];
              // the others hear of what was done, as readers of the log do; the fence stays with who holds it
              if (believed?.seq === write.expectedSeq) believed.adopt(write);
            }
            return answer.kind;
          };
          for (const round of rounds) await Promise.all(round.map(act));
          for (const number of [1, 2, 3]) {
            const run = new SampleRun(base + number);
            const events = await intactEvents(observer, run);
            const mine = acknowledged.filter(({ stream }) => stream === run.stream);
            expect(events.slice(1).map(({ seq, hash }) => ({ stream: run.stream, seq, hash }))).toEqual(
              mine.sort((a, b) => a.seq - b.seq),
            );
            expect(ownersOf(events).every((owners) => owners.size === 1)).toBe(true);
          }
        }),
        { numRuns: 25 },
      );
    },
  );
});

/** For each epoch after the first, those who took it. */
function ownersOf(events: readonly StoredEvent[]): readonly ReadonlySet<string>[] {
  const owners = new Map<number, Set<string>>();
  let epoch = 0;
  for (const event of events) {
    expect(event.epoch).toBeGreaterThanOrEqual(epoch);
    epoch = event.epoch;
    if (event.kind !== "lease.taken") continue;
    const { owner } = JSON.parse(event.payloadText) as { readonly owner: string };
    owners.set(epoch, (owners.get(epoch) ?? new Set()).add(owner));
  }
  return [...owners.values()];
}
