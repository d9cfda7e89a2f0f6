import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventDraft } from "../src/model/event.js";
import type { StreamWrite } from "../src/stores/event-store.js";
import type { SqlConnection } from "../src/sqlite/driver.js";
import type { SqliteStores } from "../src/sqlite/open-sqlite.js";
import { present } from "../src/errors/invariant.js";
import { DRIVER_SOURCES, findDriver } from "../src/sqlite/find-driver.js";
import { openSqlite } from "../src/sqlite/open-sqlite.js";
import { SampleRun } from "../src/testing/store-contract/sample-run.js";

/**
 * What a step costs beside the smallest durable write there is.
 *
 * - bare: one prepared insert of the same payload, autocommitted, WAL and synchronous=FULL
 * - commit: `commit()` of two events and the head, fenced, made ready beforehand
 * - chained: the same with redaction, canonical text and hashes of both events, as the engine pays for it
 *
 * Rounds alternate on the same file system; medians of the rounds are compared. Run it with `npx tsx bench/sqlite-commit.ts`.
 */
const COMMITS = 1_000;
const ROUNDS = 9;
/** Aim, as a share of bare: it leaves room for the engine, whose mark is 60 %. */
const AIM = 0.75;

const directory = mkdtempSync(join(tmpdir(), "runseal-bench-"));
const args = { account: "0190a000-0000-7000-8000-000000000001", amount: "120.00", currency: "EUR", reason: "off-boarding" };

const drafts = (step: number): readonly EventDraft[] => [
  {
    kind: "step.completed",
    payload: {
      stepId: `accounts[${step}]/close`,
      attempt: 1,
      result: { closed: true, at: "2026-11-20T00:00:00Z" },
      declared: [],
    },
  },
  { kind: "step.entered", payload: { stepId: `accounts[${step + 1}]/close`, attempt: 1, args } },
];

async function openBare(): Promise<{ readonly connection: SqlConnection; readonly insert: (payload: string) => void }> {
  const driver = await findDriver(DRIVER_SOURCES, process.versions.node);
  const connection = driver.open(join(directory, "bare.db"));
  connection.exec("PRAGMA journal_mode = WAL");
  connection.exec("PRAGMA synchronous = FULL");
  connection.exec("CREATE TABLE bare (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");
  const statement = connection.prepare("INSERT INTO bare (payload) VALUES (?)");
  return { connection, insert: (payload) => void statement.run([payload]) };
}

async function startedRun(stores: SqliteStores, number: number): Promise<SampleRun> {
  const run = new SampleRun(number);
  await run.submit(stores);
  await run.start(stores, 3_600_000);
  return run;
}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e3 / COMMITS;
}

const median = (values: readonly number[]): number =>
  present([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)], "there are rounds");

async function commitAll(stores: SqliteStores, writes: readonly StreamWrite[]): Promise<void> {
  for (const write of writes) {
    const answer = await stores.events.commit([write]);
    if (answer.kind !== "committed") throw new Error(`refused: ${answer.kind}`);
  }
}

function prepared(run: SampleRun): readonly StreamWrite[] {
  return Array.from({ length: COMMITS }, (_, step) => {
    const write = run.write(drafts(step));
    run.adopt(write);
    return write;
  });
}

const bare = await openBare();
const stores = openSqlite(join(directory, "stores.db"));
const times = { bare: [] as number[], commit: [] as number[], chained: [] as number[] };

for (let round = 0; round < ROUNDS; round += 1) {
  const payload = JSON.stringify(drafts(round)[0]?.payload);
  times.bare.push(
    await timed(() => {
      for (let index = 0; index < COMMITS; index += 1) bare.insert(payload);
    }),
  );
  const ready = await startedRun(stores, 2 * round);
  const writes = prepared(ready);
  times.commit.push(await timed(() => commitAll(stores, writes)));
  const chained = await startedRun(stores, 2 * round + 1);
  times.chained.push(
    await timed(async () => {
      for (let step = 0; step < COMMITS; step += 1) await chained.commit(stores, drafts(step));
    }),
  );
}

await stores.close();
bare.connection.close();
rmSync(directory, { recursive: true, force: true });

const base = median(times.bare);
for (const [name, values] of Object.entries(times)) {
  const micros = median(values);
  console.log(
    `${name.padEnd(8)} ${micros.toFixed(1).padStart(7)} us a commit   ${((100 * base) / micros).toFixed(0).padStart(4)} % of bare`,
  );
}
const share = base / median(times.commit);
console.log(share >= AIM * 0.95 ? "met" : `missed: commit is ${(100 * share).toFixed(0)} % of bare, aim ${100 * AIM} %`);
