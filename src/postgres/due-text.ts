import type { DueQuery, WorkQuery } from "../stores/event-store.js";
import type { OpenStatus } from "./walk-text.js";
import type { Values } from "./statements.js";
import { HEADS, HEAD_FIELDS } from "./heads.js";
import { roomAtText, roomText } from "./room-text.js";
import { queuedPairsText, scopesText } from "./walk-text.js";

/** When a parked run wants to be looked at: the words of the index on it. */
const PARKED_WAKE = "(CASE WHEN h.pending > 0 THEN 0 ELSE h.wake_at END)";

const CLOCK = "clock AS MATERIALIZED (SELECT {{schema}}.now_ms() AS now)";
const NOW = "(SELECT now FROM clock)";

const CHOICE = "h.id, h.scope, h.stream, h.status, h.epoch, h.lease_until, h.priority";

/** Beyond what is asked for, so many rows more are looked at, as others may hold the first ones. */
const SPARE_ROWS = 64;

/**
 * The statement for the runs that are due, its values put into `values`.
 *
 * Rows that another transaction holds at this moment are passed over, and those given are held until the statement ends: workers that
 * look at the same time see different runs. `offered` counts what was due, held or not; with none to give, one row of nulls says so.
 * The locks are nobody's history: losing them with a crash loses nothing, so that the commit does not wait for the disk.
 *
 * Cost: for each scope (queued: and queue) one look into an index and the rows asked for. Of parked runs and those under a dead lease it
 * takes, for each scope, those that have been due longest, so that a look costs the same after an incident that left thousands.
 */
export function dueText(query: DueQuery, values: Values): string {
  const limit = `${values.place(query.limit)}::integer`;
  const window = ` LIMIT 2 * ${limit} + ${SPARE_ROWS}`;
  const states = (query.states ?? OPEN).flatMap((status) => dueOf[status](query, window, values));
  const after = query.after === undefined ? "" : `(scope > ${values.place(query.after)}::text) DESC, `;
  return `WITH ${CLOCK}, offered AS MATERIALIZED (
    SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY scope, priority ORDER BY stream) AS turn
      FROM (${states.length === 0 ? NO_HEAD : states.join("\n      UNION ALL\n      ")}) every
    ) ranked ORDER BY priority DESC, turn, ${after}scope${window}
  ), free AS MATERIALIZED (
    SELECT f.* FROM offered o CROSS JOIN LATERAL (
      SELECT ${HEAD_FIELDS} FROM ${HEADS} WHERE h.id = o.id AND h.status = o.status AND h.epoch = o.epoch
        AND h.lease_until IS NOT DISTINCT FROM o.lease_until FOR UPDATE OF h SKIP LOCKED) f
    LIMIT ${limit}
  )
  SELECT (SELECT count(*) FROM offered) AS offered, set_config('synchronous_commit', 'off', true) AS flush, f.*
  FROM (SELECT) one LEFT JOIN free f ON true`;
}

/** The statement for the store's now and the earliest moment after it at which something may be due. */
export function nextWakeText(query: WorkQuery, values: Values): string {
  const wakes = [
    earliestText("parked", PARKED_WAKE, query, values),
    earliestText("running", "h.lease_until", query, values),
    ...(query.limits ?? []).flatMap((limit) => roomAtText(limit, values) ?? []),
  ];
  return `WITH ${CLOCK} SELECT now, least(${wakes.map((wake) => `(${wake})`).join(", ")}) AS at FROM clock`;
}

const OPEN: readonly OpenStatus[] = ["queued", "parked", "running"];

const NO_HEAD = `SELECT ${CHOICE} FROM {{schema}}.heads h WHERE false`;

/** The queries for what is due of a state. */
const dueOf: Readonly<Record<OpenStatus, (query: DueQuery, window: string, values: Values) => readonly string[]>> = {
  queued: (query, window, values) => [
    `SELECT d.* FROM (${queuedPairsText(query, values)}) p CROSS JOIN LATERAL (
        SELECT ${CHOICE} FROM {{schema}}.heads h
        WHERE h.status = 'queued' AND h.queue = p.queue AND h.scope = p.scope${narrowed("queued", query, values)}
        ORDER BY h.priority DESC, h.stream${window}) d`,
  ],
  parked: (query, window, values) => [inScopes("parked", `${PARKED_WAKE} <= ${NOW}`, PARKED_WAKE, query, window, values)],
  running: (query, window, values) => [
    inScopes("running", `h.lease_until <= ${NOW}`, "h.lease_until", query, window, values),
    inScopes("running", "h.lease_until IS NULL", "h.lease_until", query, window, values),
  ],
};

function inScopes(status: OpenStatus, isDue: string, order: string, query: DueQuery, window: string, values: Values): string {
  const filter = inQueues(query, values) + narrowed(status, query, values);
  return `SELECT d.* FROM (${scopesText(status, query.scope, values)}) s CROSS JOIN LATERAL (
        SELECT ${CHOICE} FROM {{schema}}.heads h WHERE h.status = '${status}' AND h.scope = s.scope AND ${isDue}${filter}
        ORDER BY ${order}${window}) d`;
}

function earliestText(status: OpenStatus, at: string, query: WorkQuery, values: Values): string {
  return `SELECT min(e.at) FROM (${scopesText(status, query.scope, values)}) s CROSS JOIN LATERAL (
      SELECT ${at} AS at FROM {{schema}}.heads h
      WHERE h.status = '${status}' AND h.scope = s.scope AND ${at} > ${NOW}${inQueues(query, values)} ORDER BY ${at} LIMIT 1) e`;
}

function inQueues({ queues }: WorkQuery, values: Values): string {
  return queues === null ? "" : ` AND h.queue = ANY (${values.place(queues)}::text[])`;
}

/**
 * What a worker can't serve, and what its limits hold back, is left out. The server takes `<@` to let hardly anything through, and would
 * rather read and sort every row than follow an index; of CASE it takes half.
 */
function narrowed(status: OpenStatus, { serves, limits = [] }: DueQuery, values: Values): string {
  const isServed =
    serves === undefined
      ? []
      : [`CASE WHEN h.requires::jsonb <@ to_jsonb(${values.place(serves)}::text[]) THEN true ELSE false END`];
  return [...isServed, ...roomText(status, limits, values)].map((condition) => ` AND ${condition}`).join("");
}
