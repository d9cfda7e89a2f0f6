import type { JsonObject } from "../json/value.js";
import type { RunbookId, StreamName } from "../model/ids.js";
import type { RunHead, RunStatus, StreamHead } from "../model/run.js";
import type { Row } from "./row.js";
import { canonicalize } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";
import { integerIn, integerOrNullIn, textIn, textOrNullIn } from "./row.js";

const RUN_PREFIX = "run/";

/** The columns of a head, in the order of {@link headValues}. `pending` stands apart: only the inbox and commits count it. */
export const HEAD_COLUMNS =
  "scope, stream, seq, hash, epoch, owner, lease_until, runbook_id, status, reason, wake_at, requires, queue, priority, labels, parent, dedup_key, use_key, submitted_at, started_at";

/** What goes into {@link HEAD_COLUMNS}. */
export function headValues(head: StreamHead): readonly (string | number | null)[] {
  const { scope, stream, seq, hash, epoch, owner, leaseUntil, run } = head;
  return [scope, stream, seq, hash, epoch, owner, leaseUntil, ...(run === null ? NO_RUN : runValues(run))];
}

const NO_RUN: readonly null[] = Array.from({ length: 13 }, () => null);

function runValues(run: RunHead): readonly (string | number | null)[] {
  const { runbookId, status, reason, wakeAt, requires, queue, priority, labels, parent, dedupKey, useKey } = run;
  const [requiresText, labelsText] = [canonicalize(requires), canonicalize(labels)];
  const settled = [requiresText, queue, priority, labelsText, parent, dedupKey];
  return [runbookId, status, reason, wakeAt, ...settled, useKey, run.submittedAt, run.startedAt];
}

/** The head of a row as its events tell it: messages that wait are counted in the column `pending`. */
export function headOfRow(row: Row): StreamHead {
  const stream = textIn(row, "stream") as StreamName;
  return Object.freeze({
    scope: textIn(row, "scope"),
    stream,
    seq: integerIn(row, "seq"),
    hash: textIn(row, "hash"),
    epoch: integerIn(row, "epoch"),
    owner: textOrNullIn(row, "owner"),
    leaseUntil: integerOrNullIn(row, "lease_until"),
    run: row["status"] === null ? null : runOfRow(stream, row),
  });
}

function runOfRow(stream: StreamName, row: Row): RunHead {
  return Object.freeze({
    runId: stream.slice(RUN_PREFIX.length),
    runbookId: textIn(row, "runbook_id") as RunbookId,
    status: textIn(row, "status") as RunStatus,
    reason: textOrNullIn(row, "reason"),
    wakeAt: integerOrNullIn(row, "wake_at"),
    requires: copyCanonical(JSON.parse(textIn(row, "requires"))) as readonly string[],
    queue: textIn(row, "queue"),
    priority: integerIn(row, "priority"),
    labels: copyCanonical(JSON.parse(textIn(row, "labels"))) as JsonObject,
    parent: textOrNullIn(row, "parent"),
    dedupKey: textOrNullIn(row, "dedup_key"),
    useKey: textOrNullIn(row, "use_key"),
    submittedAt: integerIn(row, "submitted_at"),
    startedAt: integerOrNullIn(row, "started_at"),
  });
}
