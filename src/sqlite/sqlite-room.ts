import type { RunLimit } from "../stores/event-store.js";
import type { Condition } from "./condition.js";
import type { Transaction } from "./transaction.js";
import { integerOrNullIn } from "../sql/row.js";

const BUSY = "runseal_heads INDEXED BY runseal_heads_busy WHERE status = 'running' AND queue = ? AND parent IS NULL";
const STARTED = "runseal_heads INDEXED BY runseal_heads_started WHERE started_at > ? AND queue = ? AND parent IS NULL";

/** Label names that stand in a JSON path as they are; runs with other labels are not left out beforehand: the claim decides. */
const SIMPLE_NAME = /^[A-Za-z0-9_.:@/-]+$/;

/**
 * Which runs of a state the limits leave room for: queued ones where neither ceiling is reached, parked ones where `running` is not.
 *
 * What is counted is counted once a query: the running runs of a queue, and the starts of its window.
 */
export function roomFor(state: "queued" | "parked" | "running", limits: readonly RunLimit[], now: number): readonly Condition[] {
  if (state === "running") return [];
  return limits.flatMap((limit) => {
    if (limit.label !== null && !SIMPLE_NAME.test(limit.label)) return [];
    const running = runningRoom(limit);
    const starts = state === "queued" ? startRoom(limit, now) : undefined;
    return [running, starts].filter((condition) => condition !== undefined).map((condition) => unlessOther(limit, condition));
  });
}

/** When a start leaves a window that is used up; `null` = none is. Never too late; for a label it may be too early. */
export function roomAt(transaction: Transaction, { queue, label, starts }: RunLimit, now: number): number | null {
  if (starts === null || (label !== null && !SIMPLE_NAME.test(label))) return null;
  const { runs, perMs } = starts;
  const row =
    label === null
      ? transaction.get(
          `SELECT started_at FROM ${STARTED} ORDER BY started_at DESC LIMIT 1 OFFSET ?`,
          now - perMs,
          queue,
          runs - 1,
        )
      : transaction.get(
          `SELECT min(started_at) AS started_at FROM (SELECT min(started_at) AS started_at FROM ${STARTED}
            AND labels -> ? IS NOT NULL GROUP BY scope, labels -> ? HAVING count(*) >= ?)`,
          ...[now - perMs, queue, pathOf(label), pathOf(label), runs],
        );
  const startedAt = row === undefined ? null : integerOrNullIn(row, "started_at");
  return startedAt === null ? null : startedAt + perMs;
}

function runningRoom({ queue, label, running }: RunLimit): Condition | undefined {
  if (running === null) return undefined;
  if (label === null) return { sql: `(SELECT count(*) FROM ${BUSY}) < ?`, values: [queue, running] };
  return { sql: notAmongFull(BUSY), values: [...pathsOf(label), queue, pathOf(label), running] };
}

function startRoom({ queue, label, starts }: RunLimit, now: number): Condition | undefined {
  if (starts === null) return undefined;
  const { runs, perMs } = starts;
  if (label === null) {
    const sql = `NOT EXISTS (SELECT 1 FROM ${STARTED} ORDER BY started_at DESC LIMIT 1 OFFSET ?)`;
    return { sql, values: [now - perMs, queue, runs - 1] };
  }
  return { sql: notAmongFull(STARTED), values: [...pathsOf(label), now - perMs, queue, pathOf(label), runs] };
}

function notAmongFull(counted: string): string {
  return `labels -> ? IS NULL OR (scope, labels -> ?) NOT IN (
    SELECT scope, labels -> ? AS value FROM ${counted} AND labels -> ? IS NOT NULL GROUP BY scope, value HAVING count(*) >= ?)`;
}

function unlessOther({ queue }: RunLimit, { sql, values }: Condition): Condition {
  return { sql: `parent IS NOT NULL OR queue <> ? OR ${sql}`, values: [queue, ...values] };
}

function pathsOf(label: string): readonly string[] {
  return [pathOf(label), pathOf(label), pathOf(label)];
}

function pathOf(label: string): string {
  return `$."${label}"`;
}
