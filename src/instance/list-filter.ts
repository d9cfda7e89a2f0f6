import type { RunFilter } from "../stores/event-store.js";
import type { RunHead, RunStatus } from "../model/run.js";
import { RunsealError } from "../errors/error.js";

/** Which runs `list` gives. */
export interface ListFilter extends Omit<RunFilter, "status"> {
  /** One status, or several. Absent: any. */
  readonly status?: RunStatus | readonly RunStatus[];
  /** Labels that a run must have, each with this value. Looks through the runs that the rest leaves, newest first. */
  readonly labels?: { readonly [name: string]: string | number | boolean };
}

/** A filter as the store takes it, and what is left to look at. */
export interface NormalListFilter {
  readonly filter: RunFilter;
  readonly limit: number;
  /** Whether a run has the labels that were asked for; absent where none were. */
  readonly isMeant?: (run: RunHead) => boolean;
}

const LIMIT_DEFAULT = 100;
const STATUSES: ReadonlySet<unknown> = new Set<RunStatus>(["queued", "running", "parked", "completed", "failed", "canceled"]);
const TEXTS = ["runbookId", "queue", "dedupKey", "useKey", "parent", "after"] as const;
const KNOWN: ReadonlySet<string> = new Set([...TEXTS, "status", "labels", "limit"]);

/**
 * Checks what `list` is asked for.
 *
 * @throws {@link RunsealError} `run.invalid_option` naming the member; a member that nobody knows would be a condition that nobody keeps
 */
export function listFilter(asked: ListFilter): NormalListFilter {
  if (typeof asked !== "object" || (asked as unknown) === null) throw refused("filter", "an object");
  const unknown = Object.keys(asked).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw refused(unknown, `absent; known are ${[...KNOWN].join(", ")}`);
  const { status, labels, limit = LIMIT_DEFAULT, ...rest } = asked;
  if (!Number.isSafeInteger(limit) || limit < 1) throw refused("limit", "a positive integer");
  for (const name of TEXTS)
    if (rest[name] !== undefined && typeof (rest[name] as unknown) !== "string") throw refused(name, "a string");
  const statuses: readonly RunStatus[] | undefined = typeof status === "string" ? [status] : status;
  if (statuses !== undefined && !(Array.isArray(statuses) && statuses.every((each) => STATUSES.has(each))))
    throw refused("status", `one of ${[...STATUSES].join(", ")}, or a list of them`);
  const filter = { ...rest, ...(statuses !== undefined && { status: statuses }) };
  return labels === undefined ? { filter, limit } : { filter, limit, isMeant: labelled(labels) };
}

function labelled(labels: unknown): (run: RunHead) => boolean {
  if (typeof labels !== "object" || labels === null || Array.isArray(labels)) throw refused("labels", "an object of values");
  const wanted = Object.entries(labels);
  return (run) => wanted.every(([name, value]) => Object.hasOwn(run.labels, name) && run.labels[name] === value);
}

function refused(option: string, right: string): RunsealError<"run.invalid_option"> {
  return new RunsealError("run.invalid_option", `"${option}" of a list must be ${right}`, { option });
}
