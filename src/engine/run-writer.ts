import type { AnyEvent, ChainedEvent, EventDraft, EventPayload, RunEvent } from "../model/event.js";
import type { ArtifactWrite, CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { CommitKind } from "./fault-point.js";
import type { Digest, StreamName } from "../model/ids.js";
import type { EngineOptions, EngineParts } from "./parts.js";
import type { RunHead } from "../model/run.js";
import type { StoreTransaction } from "../stores/transactions.js";
import type { RunState } from "../history/run-state.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { chainClean } from "../history/chain.js";
import { cleanDraft, knownIn } from "./keep-secret.js";
import { commitAt, commitKindOf } from "./commit-at.js";
import { fold } from "../history/fold.js";
import { invariant } from "../errors/invariant.js";
import { nextRunHead } from "../history/run-head.js";
import { optionsOf } from "./parts.js";
import { recordOf } from "../history/run-state.js";
import { runStream } from "../model/ids.js";

/** How often a commit is made again because another stream in it moved. */
const TRIES_MAX = 10;

/** What a commit does besides appending. */
export interface FlushExtras {
  /** Give the lease up, although the run neither rests nor has ended. */
  readonly release?: boolean;
  /** Another stream that changes together with the run; made again when that stream moved meanwhile. */
  readonly also?: () => Promise<StreamWrite | undefined>;
}

/**
 * The one writer of a run's stream while this process holds the run.
 *
 * Events are redacted, chained and folded as they happen, and wait here until {@link RunWriter.flush} commits them together. What has
 * been appended and not flushed does not exist for anybody else.
 */
export class RunWriter {
  readonly #parts: EngineParts;
  readonly #options: EngineOptions;
  readonly #state: RunState;
  readonly #owner: string;
  readonly #stream: StreamName;
  #head: RunHead;
  #committedSeq: number;
  #events: ChainedEvent[] = [];
  #bytes = 0;
  /** When the oldest of them was appended. */
  #since = 0;
  #artifacts: ArtifactWrite[] = [];
  #consumed: string[] = [];
  #joined: StreamWrite[] = [];
  #isUrgent = false;
  #commits = 0;
  /** The commit that is under way; the next one waits for it. */
  #committing: Promise<unknown> | undefined;
  /** Why no commit can follow any more: what was in the one that failed is lost with it. */
  #broken: { readonly error: unknown } | undefined;

  /** @param state - at the commit that claimed the run */
  constructor(parts: EngineParts, state: RunState, owner: string, head: RunHead) {
    this.#parts = parts;
    this.#options = optionsOf(parts);
    this.#state = state;
    this.#owner = owner;
    this.#stream = runStream(state.runId);
    this.#head = head;
    this.#committedSeq = state.seq;
  }

  /** Whether something waits that must be durable before anything else is done in the world. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  /** Whether anything waits. */
  get isPending(): boolean {
    return this.#events.length + this.#consumed.length > 0;
  }

  /** Whether so much waits, or has waited so long at `now`, that it should be committed. */
  isFull(now: number): boolean {
    const { pendingEventsMax, pendingBytesMax, flushMs } = this.#options;
    if (this.#events.length >= pendingEventsMax || this.#bytes >= pendingBytesMax) return true;
    return this.#events.length > 0 && now - this.#since >= flushMs;
  }

  /** Whether a commit is under way. */
  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  /** Commits so far. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Adds the next event of the run and advances the state by it.
   *
   * @throws {@link RunsealError} `value.too_large` and `value.not_canonical` when the payload can't be an event; nothing has changed
   */
  append(draft: EventDraft): void {
    const state = this.#state;
    const clean = cleanDraft(draft, knownIn(this.#parts, state.scope));
    const chained = chainClean(
      { scope: state.scope, stream: this.#stream, seq: state.seq, hash: state.hash },
      clean,
      state.epoch,
    );
    const { seq, kind, v, epoch, hash } = chained;
    const event = { seq, kind, v, epoch, hash, at: this.#parts.env.now(), payload: clean.payload } as RunEvent;
    this.#isUrgent ||= !this.#isPure(event);
    fold(state, event);
    this.#head = nextRunHead(this.#head, event, state.runId);
    if (this.#events.length === 0) this.#since = event.at;
    this.#events.push(chained);
    this.#bytes += chained.payloadText.length;
  }

  /** Stores an artifact in the next commit, together with the event that names it. */
  attach(artifact: ArtifactWrite): void {
    this.#artifacts.push(artifact);
    this.#bytes += artifact.bytes.byteLength;
  }

  /** An artifact that waits for its commit. */
  unwritten(id: Digest): ArtifactWrite | undefined {
    return this.#artifacts.find((artifact) => artifact.id === id);
  }

  /** Writes another stream in the next commit: both, or neither. */
  join(write: StreamWrite): void {
    this.#joined.push(write);
  }

  /** Marks an inbox message as turned into history by the next commit. */
  consume(key: string): void {
    this.#consumed.push(key);
  }

  /**
   * Makes everything that waits durable, in one commit.
   *
   * One commit is under way at a time; whoever comes meanwhile waits for it, and then for one of its own with all that came since.
   *
   * @returns when the store committed it, milliseconds since the epoch; `undefined` when nothing waited
   * @throws {@link RunsealError} `lease.stale` or `store.conflict` when this process no longer has the run: nothing was written;
   *   and what an earlier commit threw
   */
  async flush(extras: FlushExtras = {}): Promise<number | undefined> {
    while (this.#committing !== undefined) await this.#committing.catch(ignore);
    if (this.#broken !== undefined) throw this.#broken.error;
    if (!this.isPending && extras.release !== true) return undefined;
    const committing = this.#commit(extras);
    this.#committing = committing;
    try {
      return await committing;
    } catch (error) {
      this.#broken = { error };
      throw error;
    } finally {
      this.#committing = undefined;
    }
  }

  /**
   * Does `work` in a transaction of the store, at whose begin this process still has the run: fenced, with everything before it durable. Every other
   * commit of the run waits for its end.
   *
   * @param work - its `commit` makes everything that waits by then part of the transaction
   * @throws {@link RunsealError} what {@link flush} throws; and what the store's transaction throws, `work` included: then it was rolled back
   */
  async transact(work: (tx: StoreTransaction, commit: () => Promise<void>) => Promise<void>): Promise<void> {
    while (this.#committing !== undefined) await this.#committing.catch(ignore);
    if (this.#broken !== undefined) throw this.#broken.error;
    this.#committing = this.#transact(work);
    try {
      await this.#committing;
    } finally {
      this.#committing = undefined;
    }
  }

  async #transact(work: (tx: StoreTransaction, commit: () => Promise<void>) => Promise<void>): Promise<void> {
    const progress = { isFenced: false, hasTaken: false };
    try {
      if (this.isPending) {
        progress.hasTaken = true;
        await this.#commit({});
        progress.hasTaken = false;
      }
      await this.#parts.stores.transactions.run(async (tx) => {
        await this.#commitIn(tx, [this.#fenceOnly()]);
        progress.isFenced = true;
        await work(tx, async () => {
          progress.hasTaken = true;
          const joined = this.#joined;
          this.#joined = [];
          const write = this.#take({});
          await this.#commitIn(tx, [write, ...joined]);
          this.#committedSeq += write.events.length;
        });
      });
    } catch (error) {
      // what was taken is lost with the transaction; what was not is still here
      if (progress.hasTaken || (!progress.isFenced && isLoss(error))) this.#broken = { error };
      throw error;
    }
  }

  async #commitIn(tx: StoreTransaction, writes: readonly StreamWrite[]): Promise<void> {
    const answer = await this.#parts.stores.events.commit(writes, { tx });
    this.#commits += 1;
    if (answer.kind !== "committed") throw lostTo(answer, this.#state.epoch, this.#committedSeq);
  }

  /** A write of nothing, for its fence. */
  #fenceOnly(): StreamWrite {
    const { scope, epoch } = this.#state;
    const fence = { owner: this.#owner, epoch };
    return { scope, stream: this.#stream, expectedSeq: this.#committedSeq, fence, events: [], artifacts: [] };
  }

  async #commit(extras: FlushExtras): Promise<number> {
    const joined = this.#joined;
    this.#joined = [];
    const write = this.#take(extras);
    for (let tries = 1; ; tries += 1) {
      const also = extras.also === undefined ? undefined : await extras.also();
      const answer = await commitAt(
        this.#parts,
        this.#kindOf(write),
        also === undefined ? [write, ...joined] : [write, ...joined, also],
      );
      this.#commits += 1;
      if (answer.kind === "committed") {
        this.#committedSeq += write.events.length;
        return answer.at;
      }
      const isOther = answer.kind === "conflict" && answer.stream === also?.stream;
      if (!isOther || tries === TRIES_MAX) throw lostTo(answer, this.#state.epoch, write.expectedSeq);
    }
  }

  /** Asked for by fault points alone. */
  #kindOf(write: StreamWrite): CommitKind {
    return this.#parts.faultPoint === undefined ? "said" : commitKindOf(write);
  }

  #take(extras: FlushExtras): StreamWrite {
    const { scope, epoch } = this.#state;
    const write: StreamWrite = {
      scope,
      stream: this.#stream,
      expectedSeq: this.#committedSeq,
      fence: { owner: this.#owner, epoch },
      events: this.#events,
      artifacts: this.#artifacts,
      run: this.#head,
      ...(extras.release === true && { releaseLease: true }),
      ...(this.#consumed.length > 0 && { consume: { signals: this.#consumed } }),
    };
    this.#events = [];
    this.#bytes = 0;
    this.#artifacts = [];
    this.#consumed = [];
    this.#isUrgent = false;
    return write;
  }

  /** The time or chance that a pure step took: nothing of it can leave the run before the next commit. */
  #isDerived({ key, meta }: EventPayload<"fact.recorded">): boolean {
    const stepId = meta?.["stepId"];
    return key.startsWith("$") && typeof stepId === "string" && recordOf(this.#state, stepId)?.step.effect === "pure";
  }

  /** What a pure step says of itself may be lost: it is computed again, to the same result. */
  #isPure(event: AnyEvent): boolean {
    switch (event.kind) {
      case "step.entered":
      case "step.completed":
      case "step.failed":
      case "step.skipped":
      case "step.retry_scheduled":
        return recordOf(this.#state, event.payload.stepId)?.step.effect === "pure";
      // what handlers say of themselves goes with the next commit, or after a while
      case "artifact.written":
      case "domain":
      case "progress":
        return true;
      case "fact.recorded":
        return this.#isDerived(event.payload);
      default:
        return false;
    }
  }
}

function isLoss(error: unknown): boolean {
  return isRunsealError(error, "lease.stale") || isRunsealError(error, "store.conflict");
}

function ignore(): void {
  // whoever commits hears of it
}

/** Why a refused commit means that this process does not have the run any more. */
function lostTo(answer: Exclude<CommitAnswer, { kind: "committed" }>, epoch: number, expectedSeq: number): RunsealError {
  switch (answer.kind) {
    case "stale": {
      const { stream, currentEpoch, owner } = answer;
      const message = `"${stream}" is at epoch ${currentEpoch} under ${owner === null ? "nobody" : `"${owner}"`}, not at ${epoch}`;
      return new RunsealError("lease.stale", message, { stream, epoch, currentEpoch });
    }
    case "conflict": {
      const { stream, actualSeq } = answer;
      const message = `"${stream}" is at ${actualSeq}: somebody else wrote it`;
      return new RunsealError("store.conflict", message, { stream, expectedSeq, actualSeq });
    }
    case "exists": {
      const message = `the runbook "${answer.runbookId}" was started as run "${answer.runId}" at the same moment`;
      return new RunsealError("store.conflict", message, { stream: runStream(answer.runId), expectedSeq: 0, actualSeq: 1 });
    }
    default:
      invariant(false, `a fenced append is not answered "${answer.kind}"`);
  }
}
