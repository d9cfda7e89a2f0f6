import type { Scope, StreamName } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { Row } from "../sql/row.js";
import type { Transaction } from "./transaction.js";
import { withPendingInbox } from "../history/run-head.js";
import { HEAD_COLUMNS, headOfRow } from "../sql/head-row.js";
import { integerIn } from "../sql/row.js";
import { livenessOf } from "../sql/owner.js";

/** Selects heads with their waiting messages; a WHERE clause follows. */
export const SELECT_HEADS = `SELECT ${HEAD_COLUMNS}, pending FROM runseal_heads`;

/** A head as its events tell it, and how many messages wait. */
export interface StoredHead {
  readonly head: StreamHead;
  readonly pending: number;
}

/** The head of one stream, `undefined` without one. */
export function storedHead(transaction: Transaction, scope: Scope, stream: StreamName): StoredHead | undefined {
  const row = transaction.get(`${SELECT_HEADS} WHERE scope = ? AND stream = ?`, scope, stream);
  return row === undefined ? undefined : { head: headOfRow(row), pending: integerIn(row, "pending") };
}

/** A row of {@link SELECT_HEADS} as callers see it: due at once while messages wait. */
export function shownHead(row: Row): StreamHead {
  return withPendingInbox(headOfRow(row), integerIn(row, "pending") > 0);
}

/** Whether somebody living holds the lease: its term has not passed and its process is not known to be gone. */
export function isHeld(head: StreamHead, now: number): boolean {
  return head.owner !== null && (head.leaseUntil ?? 0) > now && livenessOf(head.owner) !== "gone";
}
