import type { ChainedEvent, StoredEvent } from "../model/event.js";
import type { Digest, RunbookId, RunId, Scope, StreamName } from "../model/ids.js";
import type { RunHead, RunStatus, StreamHead } from "../model/run.js";

/** Bytes that are named by their SHA-256 and stored together with the events that name them. */
export interface ArtifactWrite {
  readonly id: Digest;
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/**
 * A ceiling that the fleet keeps for a queue, decided in the transaction of the claim: two claims at once never exceed it.
 *
 * Child runs are driven with their parent: they are neither counted nor held back.
 */
export interface RunLimit {
  readonly queue: string;
  /**
   * `null`: all runs of the queue, over every scope. A label's name: runs of one scope with the same value of that label, each value
   * for itself; runs without the label are not limited.
   */
  readonly label: string | null;
  /** Runs at once that are `running`, whether or not their owner lives; `null` = no ceiling. */
  readonly running: number | null;
  /** Starts (first claims) within any window of `perMs`; `null` = no ceiling. */
  readonly starts: { readonly runs: number; readonly perMs: number } | null;
}

/** A lease asked for in the commit that starts or resumes a run: accepted only when nobody living holds it. */
export interface LeaseClaim {
  readonly owner: string;
  /** The epoch before the claim plus one. */
  readonly epoch: number;
  /** Term from the store's now. */
  readonly leaseMs: number;
  /**
   * Ceilings to keep. One for another queue than the run's is passed over. A claim that starts the run counts against `running` and
   * `starts`, one that takes it up again against `running` alone; the run itself is never among those that it is counted with.
   */
  readonly limits?: readonly RunLimit[];
}

/** What one commit does to one stream. */
export interface StreamWrite {
  readonly scope: Scope;
  readonly stream: StreamName;
  /** The head's seq before the write; 0 for a new stream. */
  readonly expectedSeq: number;
  /**
   * Who writes, under which lease epoch. Refused as `stale` unless the head names this owner and epoch. `null` for streams and
   * moments without a lease (submitting, approvals): then the head must have no owner, or the stream is a runbook stream.
   */
  readonly fence: { readonly owner: string; readonly epoch: number } | null;
  /** Numbered `expectedSeq + 1 …` and chained from the head's hash; may be empty. */
  readonly events: readonly ChainedEvent[];
  readonly artifacts: readonly ArtifactWrite[];
  /**
   * The new projection of a run, made by `nextRunHead`; `undefined` leaves it. A `useKey` that another run has: `exists`.
   *
   * Status, reason, `wakeAt` and `useKey` move; the rest is settled by the first write, `submittedAt` by the store's time, and
   * `startedAt` by its time when the first write with one comes. A run that is parked or has ended has no owner, with or without
   * `releaseLease`.
   */
  readonly run?: RunHead;
  /** Takes the lease in the same transaction; excludes `fence`. */
  readonly claim?: LeaseClaim;
  /** Gives the lease up in the same transaction: the head's owner becomes `null`. */
  readonly releaseLease?: boolean;
  readonly consume?: {
    /** Tokens of approvals; each can be spent once per scope. */
    readonly approvals?: readonly string[];
    /** Keys of inbox entries of this run that these events turned into history. */
    readonly signals?: readonly string[];
  };
}

/** What came of a commit. Everything but `committed` means that nothing at all was written. */
export type CommitAnswer =
  | {
      readonly kind: "committed";
      readonly heads: readonly { readonly stream: StreamName; readonly seq: number; readonly hash: Digest }[];
      readonly at: number;
    }
  /** A stream is not at its `expectedSeq`. */
  | { readonly kind: "conflict"; readonly stream: StreamName; readonly actualSeq: number }
  /** Another owner or epoch holds the stream. */
  | { readonly kind: "stale"; readonly stream: StreamName; readonly currentEpoch: number; readonly owner: string | null }
  /** A claim met a living owner. */
  | { readonly kind: "held"; readonly stream: StreamName; readonly owner: string; readonly leaseUntil: number }
  /**
   * A claim met a ceiling: the first of its limits that is full. `retryAt`: when a start leaves the window, by the store's clock;
   * `null` = when a run ends or rests.
   */
  | { readonly kind: "limited"; readonly stream: StreamName; readonly limit: RunLimit; readonly retryAt: number | null }
  /** Another run has the `useKey`. */
  | { readonly kind: "exists"; readonly runId: RunId; readonly runbookId: RunbookId }
  /** An approval token was spent before. */
  | { readonly kind: "spent"; readonly token: string };

/** The one way to write history (decision 4.0). */
export interface EventStore {
  /**
   * Writes all streams or none, in one transaction.
   *
   * Where several answers would do, a write is answered for its lease before its sequence, then for its limits, `useKey` and tokens;
   * the first write that is refused decides. Stamps every event with the store's time. Correctness of the whole package rests on these
   * checks: sequence, fence, claim, limits, `useKey` and approval tokens are decided inside the transaction, by every implementation
   * alike.
   *
   * @throws `store.corrupt` when an event does not chain from the head (wrong `prev` or a gap in `seq`), does not have the fence's
   * epoch, or an artifact's bytes do not have its id
   * With `tx`, what `Transactions.run` gave or its handle, it is part of that transaction: a refusal takes back its own writes and no others, and
   * whatever was answered is void when the transaction is rolled back.
   *
   * @throws `run.invalid_option` when `tx` is no open transaction of these stores
   * @throws `store.busy` when the store could not be had within its deadline; nothing was written
   * @throws `store.closed` after close
   */
  commit(writes: readonly StreamWrite[], options?: { readonly tx?: unknown }): Promise<CommitAnswer>;

  /**
   * Several independent commits, as few transactions as the store likes; each is answered for itself, in order, and sees what the
   * ones before it wrote. What throws in `commit` throws here, and then none of them is written.
   */
  commitMany(commits: readonly (readonly StreamWrite[])[]): Promise<readonly CommitAnswer[]>;
}

/** Reading history. */
export interface EventReader {
  /**
   * Events of one stream in order of `seq`.
   * @throws `store.corrupt` while reading, naming the first `seq` whose payload does not match its digest
   */
  read(
    scope: Scope,
    stream: StreamName,
    range?: { readonly fromSeq?: number; readonly toSeq?: number },
  ): AsyncIterable<StoredEvent>;

  /** The head of a stream, `undefined` when there is none. */
  head(scope: Scope, stream: StreamName): Promise<StreamHead | undefined>;

  /** Heads of every stream of a scope, sorted by stream in code-unit order. */
  heads(scope: Scope): AsyncIterable<StreamHead>;
}

/** Which runs to list. Every member narrows. */
export interface RunFilter {
  readonly status?: readonly RunStatus[];
  readonly runbookId?: RunbookId;
  readonly queue?: string;
  readonly dedupKey?: string;
  readonly useKey?: string;
  readonly parent?: RunId;
  /** Continue after this run id (run ids sort by time). */
  readonly after?: RunId;
  /** Default 100. */
  readonly limit?: number;
}

/** Whose runs somebody works on. */
export interface WorkQuery {
  /** One scope, several, or `null`: all there are. */
  readonly scope: Scope | readonly Scope[] | null;
  /** `null` = all. */
  readonly queues: readonly string[] | null;
  /** Ceilings that the claims will ask for. */
  readonly limits?: readonly RunLimit[];
}

/** What {@link RunIndex.due} looks for. */
export interface DueQuery extends WorkQuery {
  readonly limit: number;
  /** Default: all three. */
  readonly states?: readonly ("queued" | "parked" | "running")[];
  /** Leaves out runs that require another contract than these; absent: none. */
  readonly serves?: readonly Digest[];
  /** Of several scopes, the one that was served last: its equals come before it. */
  readonly after?: Scope;
}

/** Finding runs by their heads. */
export interface RunIndex {
  /**
   * Heads of runs, newest run id first.
   *
   * @param options - `tx`: a transaction in which to read, as `RunbookStore.get` has it
   */
  list(scope: Scope, filter: RunFilter, options?: { readonly tx?: unknown }): Promise<readonly StreamHead[]>;

  /**
   * Runs that somebody should work on now: queued; running under a dead lease; parked with `wakeAt` due. By priority (higher
   * first), then run id. A living owner's runs are never among them. Only a hint: the claim in `commit` decides.
   *
   * Several scopes take turns: of equal priority comes the first run of each, by run id, then the second of each, and so on. In each
   * turn the scopes follow one another in code-unit order, beginning behind `after`. So the runs of one never keep another waiting.
   *
   * With `limits`, what a claim would be answered `limited` for is left out, so that it does not hide what lies behind it: queued runs
   * where a ceiling of `starts` or `running` is reached, parked ones where one of `running` is. Runs under a dead lease are always
   * told: they have their place already.
   */
  due(query: DueQuery): Promise<readonly StreamHead[]>;

  /**
   * The earliest `wakeAt` or lease end that lies ahead, milliseconds since the epoch by the store's clock, and that clock's now. With
   * `limits` also the earliest moment at which a start may leave the window of a rate that is used up.
   */
  nextWake(query: WorkQuery): Promise<{ readonly now: number; readonly at: number | null }>;
}

/** Making the projections anew. */
export interface ProjectionAdmin {
  /** Drops every head of a scope and computes them again from the log and the inbox. */
  rebuild(scope: Scope): Promise<{ readonly streams: number }>;
}
