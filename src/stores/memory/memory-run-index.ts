import type { Scope } from "../../model/ids.js";
import type { RunHead, StreamHead } from "../../model/run.js";
import type { DueQuery, RunFilter, RunIndex, WorkQuery } from "../event-store.js";
import type { Handle } from "../handle.js";
import type { MemoryBacking } from "./backing.js";
import { inTurns, RUNS_LISTED_DEFAULT } from "../run-order.js";
import { shownHead } from "./backing.js";
import { heldBackBy, roomAt } from "./memory-limits.js";

type RunStreamHead = StreamHead & { readonly run: RunHead };

/** Finds runs by looking at every head. */
export class MemoryRunIndex implements RunIndex {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async list(scope: Scope, filter: RunFilter): Promise<readonly StreamHead[]> {
    this.#handle.use("runs.list");
    while (this.#backing.gate.isInWay(this.#handle, "runs.list", "read")) await this.#backing.ended(this.#handle, "runs.list");
    return this.#runs()
      .filter((head) => head.scope === scope && isListed(head.run, filter))
      .sort((a, b) => (a.run.runId < b.run.runId ? 1 : -1))
      .slice(0, filter.limit ?? RUNS_LISTED_DEFAULT);
  }

  async due(query: DueQuery): Promise<readonly StreamHead[]> {
    this.#handle.use("runs.due");
    while (this.#backing.gate.isInWay(this.#handle, "runs.due", "read")) await this.#backing.ended(this.#handle, "runs.due");
    const { limits = [], states, serves, after } = query;
    const isHeldBack = heldBackBy(this.#backing, limits);
    const due = this.#work(query).filter(
      (head) =>
        this.#isDue(head) &&
        (states === undefined || states.some((state) => state === head.run.status)) &&
        (serves === undefined || head.run.requires.every((contract) => serves.includes(contract))) &&
        !isHeldBack(head),
    );
    return inTurns(due, after).slice(0, query.limit);
  }

  async nextWake(query: WorkQuery): Promise<{ readonly now: number; readonly at: number | null }> {
    this.#handle.use("runs.nextWake");
    while (this.#backing.gate.isInWay(this.#handle, "runs.nextWake", "read"))
      await this.#backing.ended(this.#handle, "runs.nextWake");
    const now = this.#backing.clock.now();
    const ahead = [...this.#work(query).map(wakeOf), roomAt(this.#backing, query.limits ?? [])].filter(
      (at): at is number => at !== null && at > now,
    );
    return { now, at: ahead.length === 0 ? null : Math.min(...ahead) };
  }

  #runs(): RunStreamHead[] {
    return [...this.#backing.streams.values()].map(shownHead).filter((head): head is RunStreamHead => head.run !== null);
  }

  #work({ scope, queues }: WorkQuery): RunStreamHead[] {
    return this.#runs().filter((head) => isWithin(scope, head.scope) && (queues === null || queues.includes(head.run.queue)));
  }

  #isDue(head: RunStreamHead): boolean {
    switch (head.run.status) {
      case "queued":
        return true;
      case "running":
        return !this.#backing.isHeld(head);
      case "parked":
        return head.run.wakeAt !== null && head.run.wakeAt <= this.#backing.clock.now();
      default:
        return false;
    }
  }
}

function isWithin(asked: WorkQuery["scope"], scope: Scope): boolean {
  if (asked === null) return true;
  return typeof asked === "string" ? asked === scope : asked.includes(scope);
}

function wakeOf(head: RunStreamHead): number | null {
  if (head.run.status === "parked") return head.run.wakeAt;
  return head.run.status === "running" ? head.leaseUntil : null;
}

function isListed(run: RunHead, filter: RunFilter): boolean {
  return (
    (filter.status === undefined || filter.status.includes(run.status)) &&
    (filter.runbookId === undefined || filter.runbookId === run.runbookId) &&
    (filter.queue === undefined || filter.queue === run.queue) &&
    (filter.dedupKey === undefined || filter.dedupKey === run.dedupKey) &&
    (filter.useKey === undefined || filter.useKey === run.useKey) &&
    (filter.parent === undefined || filter.parent === run.parent) &&
    (filter.after === undefined || run.runId < filter.after)
  );
}
