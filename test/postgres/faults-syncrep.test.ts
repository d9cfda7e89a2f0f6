import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "./cluster.js";
import type { CommitAnswer, StreamWrite } from "../../src/stores/event-store.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { completed, entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { startCluster } from "./cluster.js";
import { committedOf, intactEvents, newSchema, openProxy, openStores, waitingBackend } from "./fault-ground.js";

const SLOW = { timeout: 60_000 };

let cluster: Cluster;
let admin: pg.Pool;

beforeAll(async () => {
  cluster = await startCluster();
  admin = new pg.Pool({ connectionString: cluster.url(), max: 1 });
  await admin.query("CREATE TABLE probe (n integer)");
}, 60_000);
afterAll(async () => {
  await admin.end();
  await cluster.remove();
});

/** Lets every commit wait for a standby that there is not, from when on a commit was seen to wait. */
async function waitForGhost(): Promise<void> {
  await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'ghost'");
  await admin.query("SELECT pg_reload_conf()");
  const probe = new pg.Client({ connectionString: cluster.url(), application_name: "probe" });
  let isAsking = false;
  probe.on("error", () => undefined);
  await probe.connect();
  await eventually("commits wait", async () => {
    if (!isAsking) {
      isAsking = true;
      void probe.query("INSERT INTO probe VALUES (1)").then(
        () => (isAsking = false),
        () => undefined,
      );
    }
    const text =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'probe' AND wait_event = 'SyncRep'";
    return (await admin.query(text)).rowCount === 1;
  });
}

async function takeBack(): Promise<void> {
  await admin.query("ALTER SYSTEM RESET synchronous_standby_names");
  await admin.query("SELECT pg_reload_conf()");
}

interface Path {
  readonly title: string;
  /** The commit that is put to the test, of runs that this process holds. */
  readonly writes: (runs: readonly [SampleRun, SampleRun]) => readonly [StreamWrite, ...StreamWrite[]];
}

const step = (run: SampleRun): StreamWrite => run.write([completed("a"), entered("b")]);
const paths: readonly Path[] = [
  { title: "the progress of a run that is held", writes: ([run]) => [step(run)] },
  { title: "the progress of a run with what changes its head", writes: ([run]) => [{ ...step(run), releaseLease: true }] },
  { title: "two streams at once", writes: ([run, other]) => [step(run), other.write([entered("z")])] },
];

/** Two runs that stores hold and that have entered a step. */
async function heldRuns(stores: ReturnType<typeof openStores>["stores"]): Promise<[SampleRun, SampleRun]> {
  const runs: [SampleRun, SampleRun] = [new SampleRun(1), new SampleRun(2)];
  for (const run of runs) {
    await run.submit(stores);
    await run.start(stores, 600_000);
    await run.commit(stores, [entered("a")]);
  }
  return runs;
}

/** All answers there are of a commit that was made. */
function answerOf(writes: readonly StreamWrite[], answer: CommitAnswer): CommitAnswer {
  const heads = writes.flatMap((write) => {
    const one = committedOf(write, answer);
    return one.kind === "committed" ? one.heads : [];
  });
  return { kind: "committed", heads, at: answer.kind === "committed" ? answer.at : Number.NaN };
}

describe.each(paths)("$title, committed while the connection breaks (reliability section 0 point 9)", ({ writes: make }) => {
  test(
    "its session ended in SyncRep, it is answered as committed, once, with the same bytes (reliability row 18)",
    SLOW,
    async () => {
      const schema = newSchema();
      const { stores } = openStores(cluster.url(), schema);
      const runs = await heldRuns(stores);
      const writes = make(runs);
      await waitForGhost();
      try {
        const committing = stores.events.commit(writes);
        const pid = await waitingBackend(admin, "SyncRep", schema);
        await admin.query("SELECT pg_terminate_backend($1)", [pid]);
        await eventually("the session is gone", async () => {
          return (await admin.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [pid])).rowCount === 0;
        });
        await takeBack();
        const answer = await committing;
        expect(answer).toEqual(answerOf(writes, answer));
        const events = await intactEvents(stores, runs[0]);
        expect(events.map(({ kind }) => kind)).toEqual([
          "run.submitted",
          "lease.taken",
          "run.started",
          "step.entered",
          "step.completed",
          "step.entered",
        ]);
        expect(events.slice(4)).toMatchObject(writes[0].events.map(({ payloadText, hash, seq }) => ({ payloadText, hash, seq })));
        expect(events.at(-1)?.at).toBe(answer.kind === "committed" ? answer.at : undefined);
        // the process goes on with the run where it was
        for (const [place, run] of runs.entries()) {
          const write = writes[place];
          if (write !== undefined) run.adopt(write);
        }
        const [run, other] = runs;
        await (writes[0].releaseLease === true ? other : run).commit(stores, [entered("c")]);
      } finally {
        await takeBack();
      }
    },
  );

  test(
    "its connection cut in SyncRep, where no look can see it yet, it is made once all the same (reliability row 18)",
    SLOW,
    async () => {
      const schema = newSchema();
      const direct = openStores(cluster.url(), schema);
      const { proxy, url } = await openProxy(cluster.url());
      const { stores } = openStores(url, schema, { owner: direct.stores.owner });
      const runs = await heldRuns(stores);
      const writes = make(runs);
      await waitForGhost();
      try {
        const committing = stores.events.commit(writes);
        const pid = await waitingBackend(admin, "SyncRep", schema);
        proxy.cut();
        // the second try waits for the first one, which nobody hears any more
        await eventually("the commit is tried again", async () => {
          const text =
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 in query) > 0 AND pid <> $2";
          return (await admin.query(text, [schema, pid])).rowCount === 1;
        });
        expect(
          await admin.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'", [pid]),
        ).toMatchObject({
          rowCount: 1,
        });
        await takeBack();
        const answer = await committing;
        expect(answer).toEqual(answerOf(writes, answer));
        const events = await intactEvents(stores, runs[0]);
        expect(events).toHaveLength(6);
        expect(events.slice(4)).toMatchObject(writes[0].events.map(({ payloadText, hash, seq }) => ({ payloadText, hash, seq })));
      } finally {
        await takeBack();
      }
    },
  );
});
