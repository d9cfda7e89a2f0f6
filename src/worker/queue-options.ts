import type { RunLimit } from "../stores/event-store.js";
import { misconfigured } from "./misconfigured.js";

/** At most so many starts within any window of this length. */
export interface RateOptions {
  readonly runs: number;
  /** Length of the window, milliseconds. */
  readonly perMs: number;
}

/** A queue to work on, and the ceilings that the whole fleet keeps for it: every claim of every worker that names them. */
export interface QueueOptions {
  readonly name: string;
  /** Runs of the queue that are running at a time, over all workers and scopes. Absent: no ceiling. */
  readonly concurrency?: number;
  /** Starts of runs of the queue, over all workers and scopes. Taking a run up again is no start. Absent: no ceiling. */
  readonly rate?: RateOptions;
  /**
   * The same for the runs of one scope that have the same value of a label, each value for itself, e.g. `{ label: "customer", concurrency: 1 }`.
   * Runs without the label are not held back.
   */
  readonly perKey?: { readonly label: string; readonly concurrency?: number; readonly rate?: RateOptions };
}

/** Which queues a worker looks into and what it keeps there. */
export interface QueuePlan {
  /** `null` = every queue. */
  readonly names: readonly string[] | null;
  readonly limits: readonly RunLimit[];
}

const NAME = /^[A-Za-z0-9_.:/@-]{1,200}$/;

/**
 * Reads the queues of a worker.
 *
 * @throws {@link RunsealError} `instance.misconfigured` naming the option, e.g. `queues[1].rate.perMs`
 */
export function queuePlan(queues: readonly (string | QueueOptions)[] | undefined): QueuePlan {
  if (queues === undefined) return { names: null, limits: [] };
  if (!Array.isArray(queues) || queues.length === 0)
    throw misconfigured("queues", "a list of names or of { name, concurrency?, rate?, perKey? }, or absent for every queue");
  const limits: RunLimit[] = [];
  const names = queues.map((queue: string | QueueOptions, at) => {
    const where = `queues[${at}]`;
    if (typeof queue === "string") return nameOf(queue, where);
    if (typeof queue !== "object" || (queue as unknown) === null)
      throw misconfigured(where, "a name or { name, concurrency?, rate?, perKey? }");
    onlyKnown(queue, ["name", "concurrency", "rate", "perKey"], where);
    const name = nameOf(queue.name, `${where}.name`);
    limits.push(...limitsOf(name, queue, where));
    return name;
  });
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw misconfigured("queues", `different queues; "${twice}" is there twice`);
  return { names, limits };
}

function limitsOf(queue: string, { concurrency, rate, perKey }: QueueOptions, where: string): readonly RunLimit[] {
  const whole = limitOf(queue, null, { concurrency, rate }, where);
  if (perKey === undefined) return whole;
  const inside = `${where}.perKey`;
  if (typeof perKey !== "object" || (perKey as unknown) === null) throw misconfigured(inside, "{ label, concurrency?, rate? }");
  onlyKnown(perKey, ["label", "concurrency", "rate"], inside);
  const keyed = limitOf(queue, nameOf(perKey.label, `${inside}.label`), perKey, inside);
  if (keyed.length === 0) throw misconfigured(inside, "given a concurrency or a rate");
  return [...whole, ...keyed];
}

function limitOf(
  queue: string,
  label: string | null,
  { concurrency, rate }: { readonly concurrency?: number | undefined; readonly rate?: RateOptions | undefined },
  where: string,
): readonly RunLimit[] {
  if (concurrency === undefined && rate === undefined) return [];
  if (concurrency !== undefined) positive(concurrency, `${where}.concurrency`);
  if (rate !== undefined) {
    if (typeof rate !== "object" || (rate as unknown) === null) throw misconfigured(`${where}.rate`, "{ runs, perMs }");
    onlyKnown(rate, ["runs", "perMs"], `${where}.rate`);
    positive(rate.runs, `${where}.rate.runs`);
    positive(rate.perMs, `${where}.rate.perMs`);
  }
  const starts = rate === undefined ? null : { runs: rate.runs, perMs: rate.perMs };
  return [{ queue, label, running: concurrency ?? null, starts }];
}

function nameOf(value: unknown, option: string): string {
  if (typeof value === "string" && NAME.test(value)) return value;
  throw misconfigured(option, "1 to 200 letters, digits or _.:/@-");
}

function positive(value: unknown, option: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw misconfigured(option, "a positive integer");
}

/**
 * Refuses a member that nobody knows: it is a ceiling that nobody keeps.
 *
 * @param where - what has the member; absent: the worker itself
 * @throws {@link RunsealError} `instance.misconfigured` naming it
 */
export function onlyKnown(value: object, known: readonly string[], where?: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw misconfigured(where === undefined ? unknown : `${where}.${unknown}`, `absent; known are ${known.join(", ")}`);
}
