import type { RunHead } from "../model/run.js";
import type { StreamWrite } from "../stores/event-store.js";

/** Runs remembered at a time; beyond it the oldest takes the longer way once more. */
const KNOWN_MAX = 10_000;

/** What this process last wrote into the head of a run that it holds. */
interface KnownRun {
  readonly id: string;
  readonly run: Pick<RunHead, "status" | "reason" | "wakeAt" | "useKey">;
}

/**
 * The runs that this process holds, as their heads stand: of most commits it shows that they leave the head alone.
 *
 * Nobody else changes what is remembered here without taking a lease, and then the epoch that every commit states is the wrong one.
 */
export class KnownRuns {
  readonly #runs = new Map<string, KnownRun>();

  /** The number of the stream when `write` only appends to it under its lease, `undefined` when it may do more. */
  unchanged(write: StreamWrite): string | undefined {
    const { fence, releaseLease, run, consume, events } = write;
    if (fence === null || releaseLease === true || consume !== undefined || events.length === 0) return undefined;
    const known = this.#runs.get(nameOf(write));
    if (known === undefined) return undefined;
    return run === undefined || isSame(known.run, run) ? known.id : undefined;
  }

  /** Remembers how a commit left the head of a run; forgets a run that rests, has ended or was let go. */
  committed(write: StreamWrite, id: string | undefined): void {
    const { run, releaseLease, fence, claim } = write;
    const name = nameOf(write);
    const known = id ?? this.#runs.get(name)?.id;
    if (run === undefined || known === undefined || run.status !== "running" || releaseLease === true) this.#runs.delete(name);
    else if (fence !== null || claim !== undefined) this.#remember(name, { id: known, run });
  }

  forget(write: StreamWrite): void {
    this.#runs.delete(nameOf(write));
  }

  #remember(name: string, known: KnownRun): void {
    const [oldest] = this.#runs.keys();
    if (this.#runs.size >= KNOWN_MAX && oldest !== undefined && !this.#runs.has(name)) this.#runs.delete(oldest);
    this.#runs.set(name, known);
  }
}

function nameOf({ scope, stream }: StreamWrite): string {
  return `${scope}\n${stream}`;
}

function isSame(a: KnownRun["run"], b: KnownRun["run"]): boolean {
  return a.status === b.status && a.reason === b.reason && a.wakeAt === b.wakeAt && a.useKey === b.useKey;
}
