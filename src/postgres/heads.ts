import type { StreamHead } from "../model/run.js";
import type { Row } from "../sql/row.js";
import { withPendingInbox } from "../history/run-head.js";
import { headOfRow } from "../sql/head-row.js";
import { integerIn } from "../sql/row.js";

/** The table `heads` as `h`, beside the newest event of each stream as `t`. */
export const HEADS = `{{schema}}.heads h CROSS JOIN LATERAL
  (SELECT e.seq, e.hash FROM {{schema}}.event_rows e WHERE e.stream_id = h.id ORDER BY e.seq DESC LIMIT 1) t`;

/** The columns of {@link HEADS} that {@link shownHead} reads. */
export const HEAD_FIELDS = `h.scope, h.stream, t.seq, encode(t.hash, 'hex') AS hash, h.epoch, h.owner, h.lease_until, h.runbook_id,
  h.status, h.reason, h.wake_at, h.requires, h.queue, h.priority, h.labels, h.parent, h.dedup_key, h.use_key, h.submitted_at,
  h.started_at, h.pending`;

/** A row of {@link HEAD_FIELDS} as callers see it: due at once while messages wait. */
export function shownHead(row: Row): StreamHead {
  return withPendingInbox(headOfRow(row), integerIn(row, "pending") > 0);
}
