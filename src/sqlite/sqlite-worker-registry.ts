import type { Clock } from "../time/clock.js";
import type { Database } from "./database.js";
import type { RegisteredWorker, WorkerRecord, WorkerRegistry } from "../stores/worker-registry.js";
import { textIn } from "../sql/row.js";
import { WORKER_COLUMNS, workerOfRow, workerValues } from "../sql/worker-row.js";
import { GONE_SHOWN_MS } from "../stores/worker-registry.js";
import { livenessOf } from "../sql/owner.js";

const UPSERT = `INSERT INTO runseal_workers (${WORKER_COLUMNS}) VALUES (${WORKER_COLUMNS.replaceAll(/\w+/g, "?")})
  ON CONFLICT (worker_id) DO UPDATE SET active = excluded.active, concurrency = excluded.concurrency,
    last_seen_at = excluded.last_seen_at, alive_until = excluded.alive_until`;
const IN_ORDER = "ORDER BY started_at, worker_id";
const SELECT_ALIVE = `SELECT worker_id, owner FROM runseal_workers WHERE alive_until > ? ${IN_ORDER}`;

/** Workers in SQLite: those of every process of this machine that has the file open. */
export class SqliteWorkerRegistry implements WorkerRegistry {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async beat(worker: WorkerRecord, termMs: number): Promise<{ readonly isJanitor: boolean }> {
    const now = this.#clock.now();
    return this.#database.write("workers.beat", (transaction) => {
      transaction.run(UPSERT, ...workerValues(worker, now, termMs));
      const alive = transaction.all(SELECT_ALIVE, now).filter((row) => livenessOf(textIn(row, "owner")) !== "gone");
      const [first] = alive;
      return { isJanitor: first === undefined || textIn(first, "worker_id") === worker.workerId };
    });
  }

  async leave(workerId: string): Promise<void> {
    await this.#database.write("workers.leave", (transaction) =>
      transaction.run("DELETE FROM runseal_workers WHERE worker_id = ?", workerId),
    );
  }

  async list(): Promise<readonly RegisteredWorker[]> {
    const rows = await this.#database.read("workers.list", (transaction) =>
      transaction.all(`SELECT ${WORKER_COLUMNS} FROM runseal_workers ${IN_ORDER}`),
    );
    return rows.map(workerOfRow);
  }

  async sweep(): Promise<{ readonly removed: number }> {
    const before = this.#clock.now() - GONE_SHOWN_MS;
    const removed = await this.#database.write("workers.sweep", (transaction) =>
      transaction.run("DELETE FROM runseal_workers WHERE alive_until <= ?", before),
    );
    return { removed };
  }
}
