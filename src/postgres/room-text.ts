import type { RunLimit } from "../stores/event-store.js";
import type { OpenStatus } from "./walk-text.js";
import type { Values } from "./statements.js";

/**
 * Conditions on a head `h` that hold where the limits leave room for it: queued runs where neither ceiling is reached, parked ones where
 * `running` is not. What is counted is counted once a statement: the running runs of a queue, and the starts of its window.
 *
 * A subquery `clock` with the store's `now` is asked for.
 */
export function roomText(status: OpenStatus, limits: readonly RunLimit[], values: Values): readonly string[] {
  if (status === "running") return [];
  return limits.flatMap((limit) => {
    const { queue, running, starts } = limit;
    const ceilings = [
      ...(running === null ? [] : [underText(limit, "b.status = 'running'", running, values)]),
      ...(starts === null || status !== "queued" ? [] : [underText(limit, startedText(starts, values), starts.runs, values)]),
    ];
    return ceilings.map((ceiling) => `(h.parent IS NOT NULL OR h.queue <> ${values.place(queue)} OR ${ceiling})`);
  });
}

/** When a start leaves the window of a rate that is used up, as a query of one value; null = none is used up. */
export function roomAtText({ queue, label, starts }: RunLimit, values: Values): string | undefined {
  if (starts === null) return undefined;
  const value = label === null ? undefined : valueText("b", label, values);
  const among = value === undefined ? "" : `PARTITION BY b.scope, ${value} `;
  const labeled = value === undefined ? "" : ` AND ${value} IS NOT NULL`;
  return `SELECT min(started_at) + ${values.place(starts.perMs)}::bigint FROM (
      SELECT b.started_at, row_number() OVER (${among}ORDER BY b.started_at DESC) AS nth FROM {{schema}}.heads b
      WHERE ${startedText(starts, values)} AND b.queue = ${values.place(queue)} AND b.parent IS NULL${labeled}
    ) counted WHERE nth = ${values.place(starts.runs)}::integer`;
}

function startedText({ perMs }: NonNullable<RunLimit["starts"]>, values: Values): string {
  return `b.started_at > (SELECT now FROM clock) - ${values.place(perMs)}::bigint`;
}

/** That fewer than `max` are counted: of the queue, or of the scope's runs with the same value of the label. */
function underText({ queue, label }: RunLimit, counted: string, max: number, values: Values): string {
  const bound = `${values.place(max)}::integer`;
  const others = `FROM {{schema}}.heads b WHERE ${counted} AND b.queue = ${values.place(queue)} AND b.parent IS NULL`;
  if (label === null) return `(SELECT count(*) FROM (SELECT ${others} LIMIT ${bound}) counted) < ${bound}`;
  const value = valueText("b", label, values);
  const isFull = `(h.scope, ${valueText("h", label, values)}) IN (
    SELECT b.scope, ${value} ${others} AND ${value} IS NOT NULL GROUP BY 1, 2 HAVING count(*) >= ${bound})`;
  // a run without the label makes it null
  return `(${isFull}) IS NOT TRUE${max > 0 ? "" : ` AND ${valueText("h", label, values)} IS NULL`}`;
}

function valueText(of: "b" | "h", label: string, values: Values): string {
  return `({{schema}}.labels_of(${of}.labels) -> ${values.place(label)}::text)`;
}
