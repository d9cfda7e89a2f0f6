import type { JsonObject, JsonValue } from "../json/value.js";
import type { RegisteredWorker, WorkerRecord } from "../stores/worker-registry.js";
import type { Row } from "./row.js";
import { canonicalize } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";
import { integerIn, textIn, textOrNullIn } from "./row.js";

/** The columns of a worker, in the order of {@link workerValues}. */
export const WORKER_COLUMNS =
  "worker_id, owner, queues, scopes, concurrency, active, build, started_at, last_seen_at, alive_until";

/** What goes into {@link WORKER_COLUMNS}; `startedAt` is that of the first sign of life, so a row that is there keeps its own. */
export function workerValues(worker: WorkerRecord, now: number, termMs: number): readonly (string | number | null)[] {
  const { workerId, owner, queues, scopes, concurrency, active, build } = worker;
  return [workerId, owner, listText(queues), listText(scopes), concurrency, active, canonicalize(build), now, now, now + termMs];
}

/** The worker of a row. */
export function workerOfRow(row: Row): RegisteredWorker {
  return Object.freeze({
    workerId: textIn(row, "worker_id"),
    owner: textIn(row, "owner"),
    queues: listOf(textOrNullIn(row, "queues")),
    scopes: listOf(textOrNullIn(row, "scopes")),
    concurrency: integerIn(row, "concurrency"),
    active: integerIn(row, "active"),
    build: copyCanonical(JSON.parse(textIn(row, "build"))) as JsonObject,
    startedAt: integerIn(row, "started_at"),
    lastSeenAt: integerIn(row, "last_seen_at"),
    aliveUntil: integerIn(row, "alive_until"),
  });
}

function listText(list: readonly string[] | null): string | null {
  return list === null ? null : canonicalize(list);
}

function listOf(text: string | null): readonly string[] | null {
  return text === null ? null : (copyCanonical(JSON.parse(text) as JsonValue) as readonly string[]);
}
