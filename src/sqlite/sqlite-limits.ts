import type { StreamHead } from "../model/run.js";
import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { BindingLimit } from "../stores/binding-limits.js";
import type { SqlValue } from "./driver.js";
import type { Transaction } from "./transaction.js";
import { canonicalize } from "../json/canonical.js";
import { integerIn } from "../sql/row.js";
import { bindingLimits, limitedAnswer } from "../stores/binding-limits.js";

const OTHERS = "queue = ? AND parent IS NULL AND NOT (scope = ? AND stream = ?)";
/** Labels are stored as canonical text and hold no objects, so that a member is found by its text and the character after it. */
const LABELED = "scope = ? AND (instr(labels, ? || ',') > 0 OR instr(labels, ? || '}') > 0)";

const RUNNING = `SELECT count(*) AS runs FROM runseal_heads INDEXED BY runseal_heads_busy WHERE status = 'running' AND ${OTHERS}`;
const STARTED = `SELECT started_at FROM runseal_heads INDEXED BY runseal_heads_started WHERE started_at > ? AND ${OTHERS}`;
const NTH_LATEST = "ORDER BY started_at DESC LIMIT 1 OFFSET ?";

/**
 * Whether a limit of the claim is full; `undefined` = there is room. Cost: the running runs of the queue, and its latest starts up to
 * the ceiling; for a label those of the window.
 *
 * @param after - the head that the write makes
 */
export function limitRefusal(
  transaction: Transaction,
  write: StreamWrite,
  heads: { readonly before: StreamHead | undefined; readonly after: StreamHead },
  now: number,
): CommitAnswer | undefined {
  for (const bound of bindingLimits(write, heads.before, heads.after)) {
    if (isFull(transaction, write, bound)) return limitedAnswer(write, bound.limit, null);
    const retryAt = startRetryAt(transaction, write, bound, now);
    if (retryAt !== undefined) return limitedAnswer(write, bound.limit, retryAt);
  }
  return undefined;
}

function isFull(transaction: Transaction, write: StreamWrite, bound: BindingLimit): boolean {
  if (bound.runningMax === null) return false;
  const { sql, values } = othersOf(write, bound);
  const row = transaction.get(`${RUNNING}${sql}`, ...values);
  return row !== undefined && integerIn(row, "runs") >= bound.runningMax;
}

function startRetryAt(transaction: Transaction, write: StreamWrite, bound: BindingLimit, now: number): number | undefined {
  if (bound.starts === null) return undefined;
  const { runs, perMs } = bound.starts;
  const { sql, values } = othersOf(write, bound);
  const row = transaction.get(`${STARTED}${sql} ${NTH_LATEST}`, now - perMs, ...values, runs - 1);
  return row === undefined ? undefined : integerIn(row, "started_at") + perMs;
}

function othersOf(write: StreamWrite, { limit, valueText }: BindingLimit): { sql: string; values: readonly SqlValue[] } {
  const others = [limit.queue, write.scope, write.stream];
  if (limit.label === null || valueText === null) return { sql: "", values: others };
  const member = `${canonicalize(limit.label)}:${valueText}`;
  return { sql: ` AND ${LABELED}`, values: [...others, write.scope, member, member] };
}
