import type { Scope } from "../model/ids.js";
import type { Values } from "./statements.js";
import { HEAD_FIELDS } from "./heads.js";

/**
 * Of parked runs, and of those under a dead lease, so many of the longest due are looked at; so that a look costs the same after an
 * incident that left ten thousand of them.
 */
const LONGEST_DUE_MAX = 1000;

/** When a parked run wants to be looked at: the words of the index on it. */
const PARKED_WAKE = "(CASE WHEN h.pending > 0 THEN 0 ELSE h.wake_at END)";

const CHOICE = "h.id, h.seq, h.epoch, h.lease_until, h.priority, h.stream";

interface WorkQuery {
  readonly scope: Scope | null;
  readonly queues: readonly string[] | null;
}

/**
 * The statement for the runs that are due, its values put into `values`.
 *
 * Rows that another transaction holds at this moment are passed over, and those given are held until the statement ends: workers that
 * look at the same time see different runs. `offered` counts what was due, held or not; with none to give, one row of nulls says so.
 * The queued ones come from a walk over the pairs of queue and scope that have some, in the order of one index.
 *
 * The locks are nobody's history: losing them with a crash loses nothing, so that the commit does not wait for the disk.
 */
export function dueText(query: WorkQuery & { readonly limit: number }, values: Values): string {
  const limit = values.place(query.limit);
  const filter = withinText(query, values);
  const { queues, pairs } = pairsText(query, values);
  return `WITH RECURSIVE clock AS MATERIALIZED (SELECT {{schema}}.now_ms() AS now),
  queues AS (${queues}),
  pairs AS (${pairs}),
  offered AS MATERIALIZED (
    SELECT * FROM (
      SELECT q.* FROM pairs p CROSS JOIN LATERAL (
        SELECT ${CHOICE} FROM {{schema}}.heads h WHERE h.status = 'queued' AND h.queue = p.queue AND h.scope = p.scope
        ORDER BY h.priority DESC, h.stream LIMIT 4 * ${limit}::integer + 64) q
      UNION ALL (
        SELECT ${CHOICE} FROM {{schema}}.heads h
        WHERE h.status = 'parked' AND ${PARKED_WAKE} <= (SELECT now FROM clock)${filter}
        ORDER BY ${PARKED_WAKE} LIMIT ${LONGEST_DUE_MAX})
      UNION ALL (
        SELECT ${CHOICE} FROM {{schema}}.heads h
        WHERE h.status = 'running' AND h.lease_until <= (SELECT now FROM clock)${filter}
        ORDER BY h.lease_until LIMIT ${LONGEST_DUE_MAX})
      UNION ALL (
        SELECT ${CHOICE} FROM {{schema}}.heads h WHERE h.status = 'running' AND h.lease_until IS NULL${filter}
        LIMIT ${LONGEST_DUE_MAX})
    ) every ORDER BY priority DESC, stream LIMIT 4 * ${limit}::integer + 64
  ),
  free AS MATERIALIZED (
    SELECT f.* FROM offered o CROSS JOIN LATERAL (
      SELECT ${HEAD_FIELDS} FROM {{schema}}.heads h WHERE h.id = o.id AND h.seq = o.seq AND h.epoch = o.epoch
        AND h.lease_until IS NOT DISTINCT FROM o.lease_until FOR UPDATE OF h SKIP LOCKED) f
    LIMIT ${limit}
  )
  SELECT (SELECT count(*) FROM offered) AS offered, set_config('synchronous_commit', 'off', true) AS flush, f.*
  FROM (SELECT) one LEFT JOIN free f ON true`;
}

/** The statement for the store's now and the earliest wake or lease end after it. */
export function nextWakeText(query: WorkQuery, values: Values): string {
  const filter = withinText(query, values);
  return `WITH clock AS MATERIALIZED (SELECT {{schema}}.now_ms() AS now)
  SELECT now, least(
    (SELECT ${PARKED_WAKE} FROM {{schema}}.heads h WHERE h.status = 'parked' AND ${PARKED_WAKE} > now${filter}
      ORDER BY ${PARKED_WAKE} LIMIT 1),
    (SELECT h.lease_until FROM {{schema}}.heads h WHERE h.status = 'running' AND h.lease_until > now${filter}
      ORDER BY h.lease_until LIMIT 1)
  ) AS at FROM clock`;
}

function withinText({ scope, queues }: WorkQuery, values: Values): string {
  const ofScope = scope === null ? "" : ` AND h.scope = ${values.place(scope)}`;
  const ofQueues = queues === null ? "" : ` AND h.queue = ANY (${values.place(queues)}::text[])`;
  return ofScope + ofQueues;
}

/** The queues to look into, and with each the scopes that have queued runs; what nobody named is found by a walk along the index. */
function pairsText({ scope, queues }: WorkQuery, values: Values): { readonly queues: string; readonly pairs: string } {
  return {
    queues:
      queues === null ? walkText("queue", "") : `SELECT DISTINCT unnest(${values.place(queues)}::text[]) COLLATE "C" AS queue`,
    pairs:
      scope === null
        ? `SELECT q.queue, s.scope FROM queues q CROSS JOIN LATERAL (
      WITH RECURSIVE scopes AS (${walkText("scope", "h.queue = q.queue AND ")}) SELECT scope FROM scopes) s`
        : `SELECT q.queue, ${values.place(scope)} AS scope FROM queues q`,
  };
}

/** Every value of a column that queued runs have: one look into the index each. To be named `queues` or `scopes`. */
function walkText(column: "queue" | "scope", among: string): string {
  const next = (after: string): string => `SELECT h.${column} FROM {{schema}}.heads h
      WHERE ${among}h.status = 'queued'${after} ORDER BY h.${column} LIMIT 1`;
  return `(${next("")})
    UNION ALL
    SELECT n.${column} FROM ${column}s w CROSS JOIN LATERAL (${next(` AND h.${column} > w.${column}`)}) n`;
}
