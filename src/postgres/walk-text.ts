import type { Scope } from "../model/ids.js";
import type { WorkQuery } from "../stores/event-store.js";
import type { Values } from "./statements.js";

/** The states of runs that somebody may have to work on. */
export type OpenStatus = "queued" | "parked" | "running";

/** The scopes to look into, as a query with the column `scope`: those that are named, or those that have runs in a state. */
export function scopesText(status: OpenStatus, scope: WorkQuery["scope"], values: Values): string {
  return scope === null ? foundText("scope", `h.status = '${status}'`) : namedScopesText(scope, values);
}

/** The pairs of queue and scope that may have queued runs, as a query with the columns `queue` and `scope`. */
export function queuedPairsText({ scope, queues }: WorkQuery, values: Values): string {
  const ofQueues =
    queues === null
      ? foundText("queue", "h.status = 'queued'")
      : `SELECT DISTINCT n.queue COLLATE "C" AS queue FROM unnest(${values.place(queues)}::text[]) AS n(queue)`;
  const ofScopes =
    scope === null ? foundText("scope", "h.status = 'queued' AND h.queue = q.queue") : namedScopesText(scope, values);
  return `SELECT q.queue, s.scope FROM (${ofQueues}) q CROSS JOIN LATERAL (${ofScopes}) s`;
}

function namedScopesText(scope: Scope | readonly Scope[], values: Values): string {
  const named = values.place(typeof scope === "string" ? [scope] : scope);
  return `SELECT DISTINCT n.scope COLLATE "C" AS scope FROM unnest(${named}::text[]) AS n(scope)`;
}

/** Every value that a column has, by a walk along an index: as many looks as there are values, however many rows. */
function foundText(column: "queue" | "scope", where: string): string {
  const next = (after: string): string =>
    `SELECT h.${column} FROM {{schema}}.heads h WHERE ${where}${after} ORDER BY h.${column} LIMIT 1`;
  return `WITH RECURSIVE found (${column}) AS (
      (${next("")})
      UNION ALL
      SELECT n.${column} FROM found f CROSS JOIN LATERAL (${next(` AND h.${column} > f.${column}`)}) n
    ) SELECT ${column} FROM found`;
}
