import type { Pool } from "pg";
import { afterAll, describe, expect, inject, test } from "vitest";
import type { CommitAnswer, StreamWrite } from "../../src/stores/event-store.js";
import type { PostgresStores } from "../../src/postgres/postgres-stores.js";
import type { TcpProxy } from "./tcp-proxy.js";
import { isRunsealError } from "../../src/errors/error.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { completed, entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { adminPool, committedOf, intactEvents, openProxy, openStores, waitingBackend } from "./fault-ground.js";
import { OpenSchema } from "./open-schema.js";

const SLOW = { timeout: 40_000 };
const schemas: OpenSchema[] = [];
afterAll(async () => {
  for (const schema of schemas) await schema.drop();
});

interface Ground {
  readonly schema: string;
  /** Stores of one owner: past the proxy, and through it. */
  readonly direct: PostgresStores;
  readonly stores: PostgresStores;
  readonly proxy: TcpProxy;
  readonly admin: Pool;
  readonly runs: readonly SampleRun[];
}

/** Stores behind a proxy, holding so many runs that have entered step `a`. */
async function ground(count: number, options: { readonly busyMs?: number; readonly statementMs?: number } = {}): Promise<Ground> {
  const schema = new OpenSchema();
  schemas.push(schema);
  const url = inject("databaseUrl");
  const { stores: direct } = openStores(url, schema.name);
  const { proxy, url: through } = await openProxy(url);
  const { stores } = openStores(through, schema.name, { owner: direct.owner, ...options });
  const runs = Array.from({ length: count }, (_, number) => new SampleRun(number + 1));
  for (const run of runs) {
    await run.submit(stores);
    await run.start(stores, 600_000);
    await run.commit(stores, [entered("a")]);
  }
  return { schema: schema.name, direct, stores, proxy, admin: adminPool(url), runs };
}

const markOf = (run: SampleRun): string => `marked ${run.runId}`;
const progress = (run: SampleRun, over: Partial<StreamWrite> = {}): StreamWrite =>
  run.write([completed("a"), entered(markOf(run))], over);
const at = (runs: readonly SampleRun[], place: number): SampleRun => runs[place] ?? expect.unreachable("there are so many runs");

/** What became of each of several commits. */
type End = CommitAnswer | { readonly kind: "threw"; readonly error: unknown };
async function endsOf(commits: readonly Promise<CommitAnswer>[]): Promise<readonly End[]> {
  const settled = await Promise.allSettled(commits);
  return settled.map((end) => (end.status === "fulfilled" ? end.value : { kind: "threw", error: end.reason as unknown }));
}

const PATHS: readonly (readonly [string, (runs: readonly SampleRun[]) => readonly StreamWrite[]])[] = [
  ["progress under a lease", (runs) => [progress(at(runs, 0))]],
  ["progress that changes the head", (runs) => [progress(at(runs, 0), { releaseLease: true })]],
  ["two streams at once", (runs) => [progress(at(runs, 0)), at(runs, 1).write([entered("z")])]],
];

describe.each(PATHS)("a commit of %s", (_title, make) => {
  test.each([
    ["reply is lost, is found by reading again (reliability row 18)", "drop_reply"],
    ["request is lost, is made by the second try (reliability rows 17 and 19)", "drop_request"],
    ["connection is cut as soon as it is sent, is there once (reliability rows 17, 18 and 19)", "cut"],
  ] as const)("whose %s", SLOW, async (_what, verdict) => {
    const { direct, stores, proxy, runs } = await ground(2);
    const writes = make(runs);
    const trapped = proxy.trap(markOf(at(runs, 0)), verdict);
    const answer = await stores.events.commit(writes);
    await trapped;
    expect(proxy.cuts).toBe(1);
    const heads = writes.flatMap((write) => {
      const one = committedOf(write, answer);
      return one.kind === "committed" ? one.heads : [];
    });
    expect(answer).toEqual({ kind: "committed", heads, at: answer.kind === "committed" ? answer.at : null });
    const events = await intactEvents(direct, at(runs, 0));
    expect(events).toHaveLength(6);
    expect(events.slice(4)).toMatchObject((writes[0]?.events ?? []).map(({ hash, payloadText }) => ({ hash, payloadText })));
  });

  test(
    "whose reply is lost and that nobody can look up is neither success nor failure, but settled later (reliability row 20)",
    SLOW,
    async () => {
      const { direct, stores, proxy, runs } = await ground(2, { busyMs: 1_500 });
      const run = at(runs, 0);
      const writes = make(runs);
      const away = proxy.trap(markOf(run), "drop_reply").then(() => {
        proxy.refuse(true);
        proxy.cut();
      });
      const end = await stores.events.commit(writes).catch((error: unknown) => error);
      await away;
      expect(isRunsealError(end, "store.outcome_unknown") && end.details).toEqual({ stream: run.stream, seq: 6 });
      proxy.refuse(false);
      // whoever looks later sees it, and the same commit again is no second event
      expect(await stores.events.commit(writes)).toMatchObject({ kind: writes[0]?.releaseLease === true ? "stale" : "conflict" });
      expect(await intactEvents(direct, run)).toHaveLength(6);
    },
  );
});

describe("a commit that was lost and goes on unseen", () => {
  test("is not called refused because its second try was, whatever the reason (reliability rows 20 and 33)", SLOW, async () => {
    const { schema, direct, stores, proxy, admin, runs } = await ground(1);
    const run = at(runs, 0);
    const holder = await admin.connect();
    await holder.query(`BEGIN; LOCK TABLE ${schema}.event_rows IN SHARE MODE`);
    const committing = stores.events.commit([progress(run)]).catch((error: unknown) => error);
    const first = await waitingBackend(admin, "relation", schema);
    proxy.cut();
    const text = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE wait_event = 'relation' AND position($1 in query) > 0 AND pid NOT IN ($2, pg_backend_pid())`;
    await eventually(
      "the second try waits, and is canceled",
      async () => (await admin.query(text, [schema, first])).rowCount === 1,
    );
    const end = await committing;
    await holder.query("COMMIT");
    holder.release();
    expect(isRunsealError(end, "store.outcome_unknown") && end.details).toEqual({ stream: run.stream, seq: 6 });
    await eventually("the first one is made", async () => (await direct.reader.head("default", run.stream))?.seq === 6);
    expect(await intactEvents(direct, run)).toHaveLength(6);
  });
});

describe("commits that share a statement", () => {
  /** Ten commits at once, and the requests that they went in. */
  function tenAtOnce({ stores, proxy, runs }: Ground, writes = runs.map((run) => progress(run))) {
    const marks: string[][] = [];
    proxy.judge = (chunk) => {
      const held = runs.map(markOf).filter((mark) => chunk.includes(mark));
      if (held.length > 0) marks.push(held);
      return "forward";
    };
    return { marks, commits: endsOf(writes.map((write) => stores.events.commit([write]))) };
  }

  test("are one request", SLOW, async () => {
    const all = await ground(10);
    const { marks, commits } = tenAtOnce(all);
    expect((await commits).map(({ kind }) => kind)).toEqual(all.runs.map(() => "committed"));
    expect(marks).toEqual([all.runs.map(markOf)]);
  });

  test.each([
    ["reply", "drop_reply"],
    ["request", "drop_request"],
    ["connection", "cut"],
  ] as const)("are each answered truthfully when its %s is lost (reliability rows 17 to 19)", SLOW, async (_what, verdict) => {
    const all = await ground(10);
    const trapped = all.proxy.trap(markOf(at(all.runs, 4)), verdict);
    const ends = await tenAtOnce(all).commits;
    await trapped;
    for (const [place, run] of all.runs.entries()) {
      const write = progress(run);
      expect(ends[place]).toEqual(committedOf(write, ends[place] as CommitAnswer));
      expect((await intactEvents(all.direct, run)).map(({ kind }) => kind).slice(3)).toEqual([
        "step.entered",
        "step.completed",
        "step.entered",
      ]);
    }
  });

  test(
    "are all of unknown outcome when the server stays away, and none is there twice afterwards (reliability row 20)",
    SLOW,
    async () => {
      const all = await ground(10, { busyMs: 1_500 });
      const away = all.proxy.trap(markOf(at(all.runs, 4)), "drop_reply").then(() => {
        all.proxy.refuse(true);
        all.proxy.cut();
      });
      const ends = await tenAtOnce(all).commits;
      await away;
      for (const [place, run] of all.runs.entries()) {
        const end = ends[place];
        const error = end?.kind === "threw" ? end.error : undefined;
        expect(isRunsealError(error, "store.outcome_unknown") && error.details).toEqual({ stream: run.stream, seq: 6 });
        expect(await intactEvents(all.direct, run)).toHaveLength(6);
      }
    },
  );

  test("do not spoil one another: conflict, stale, a broken chain (reliability rows 40 and 42)", SLOW, async () => {
    const all = await ground(10);
    const { runs, direct, admin, schema } = all;
    const zombie = at(runs, 2);
    await admin.query(`UPDATE ${schema}.heads SET owner = 'another', epoch = 2 WHERE stream = $1`, [zombie.stream]);
    await all.direct.events.commit([at(runs, 5).write([entered("elsewhere")])]);
    const writes = runs.map((run, place) => {
      const write = progress(run);
      if (place !== 7) return write;
      const [first, ...rest] = write.events;
      return { ...write, events: first === undefined ? [] : [{ ...first, prev: "0".repeat(64) }, ...rest] };
    });
    const ends = await tenAtOnce(all, writes).commits;
    expect(ends.map(({ kind }) => kind)).toEqual([
      "committed",
      "committed",
      "stale",
      "committed",
      "committed",
      "conflict",
      "committed",
      "threw",
      "committed",
      "committed",
    ]);
    expect(ends[2]).toEqual({ kind: "stale", stream: zombie.stream, currentEpoch: 2, owner: "another" });
    expect(ends[5]).toEqual({ kind: "conflict", stream: at(runs, 5).stream, actualSeq: 5 });
    expect(ends[7]?.kind === "threw" && isRunsealError(ends[7].error, "store.corrupt") && ends[7].error.details).toEqual({
      what: "event",
      id: at(runs, 7).stream,
      seq: 5,
    });
    const lengths = await Promise.all(runs.map(async (run) => (await intactEvents(direct, run)).length));
    expect(lengths).toEqual([6, 6, 4, 6, 6, 5, 6, 4, 6, 6]);
  });

  test(
    "do not spoil one another: somebody inserts one's event at the same moment (23505; reliability rows 29 and 42)",
    SLOW,
    async () => {
      const all = await ground(10);
      const { runs, direct, admin, schema } = all;
      const raced = at(runs, 3);
      const [rival] = raced.write([entered("rival")]).events;
      const holder = await admin.connect();
      await holder.query("BEGIN");
      await holder.query(
        `INSERT INTO ${schema}.event_rows (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
       SELECT h.id, 0, $2, 1, $3, $4, decode($5, 'hex'), decode($6, 'hex'), $7 FROM ${schema}.heads h WHERE h.stream = $1`,
        [raced.stream, rival?.seq, rival?.v, rival?.kind, rival?.payloadDigest, rival?.hash, rival?.payloadText],
      );
      const { commits } = tenAtOnce(all);
      await waitingBackend(admin, "transactionid", schema);
      await holder.query("COMMIT");
      holder.release();
      const ends = await commits;
      expect(ends.map(({ kind }) => kind)).toEqual(runs.map((run) => (run === raced ? "conflict" : "committed")));
      expect(ends[3]).toEqual({ kind: "conflict", stream: raced.stream, actualSeq: 5 });
      const lengths = await Promise.all(runs.map(async (run) => (await intactEvents(direct, run)).length));
      expect(lengths).toEqual(runs.map((run) => (run === raced ? 5 : 6)));
    },
  );
});
