import type { Call, Started } from "./start-step.js";
import type { ChildHooks } from "./child-runs.js";
import type { ClaimedRun } from "./claim-run.js";
import type { Demands, Effect, Pace, RunFailure } from "./decide.js";
import type { DriveControl, DriveEnd } from "./drive-end.js";
import type { EngineOptions, EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { FlushExtras } from "./run-writer.js";
import type { JsonValue } from "../json/value.js";
import type { Outcome } from "./step-outcome.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import type { Scheduled } from "../time/clock.js";
import type { Scene } from "./call-attempt.js";
import type { StepId } from "../model/ids.js";
import type { StoreChange } from "../stores/store-change.js";
import { ChildRuns } from "./child-runs.js";
import { Deadlines } from "./deadlines.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { ResultReader } from "./result-reader.js";
import { RunContext } from "./run-context.js";
import { RunInbox } from "./run-inbox.js";
import { RunLocks } from "./run-locks.js";
import { RunRecord } from "./run-record.js";
import { RunWriter } from "./run-writer.js";
import { cleanOutcome, knownIn } from "./keep-secret.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { type Soon, soon } from "./soon.js";
import { StopSwitch } from "./stop-switch.js";
import { WakeUp } from "./wake-up.js";
import { answerStep, handlerMissing } from "./answer-step.js";
import { approvalsReleased, fences, leftBehind, runCanceled, runFailed } from "./run-ending.js";
import { artifactOf, artifactWritten, inDoubt, isSmall } from "./step-outcome.js";
import { NO_DEMANDS, decide } from "./decide.js";
import { isLiteral, literalOf } from "../expression/literal.js";
import { optionsOf } from "./parts.js";
import { performAttempt, performReconcile } from "./perform.js";
import { prepareStep } from "./prepare-step.js";
import { invariant, present } from "../errors/invariant.js";
import { recordAt, recordOf } from "../history/run-state.js";
import { runStream } from "../model/ids.js";
import { runResultOf, runViewOf } from "../history/run-view.js";
import { startStep, writeConflict } from "./start-step.js";

/** A handler that had timed out has ended after all. */
interface LateNews {
  readonly kind: "late";
  readonly stepId: StepId;
  readonly attempt: number;
}

/** News for the loop from something that it did not wait for. */
type News =
  | { readonly kind: "outcome"; readonly record: StepRecord; readonly number: number; readonly outcome: Outcome | undefined }
  | LateNews
  | { readonly kind: "broken"; readonly error: unknown };

/**
 * Joins decide, perform and fold: asks what is next, does it, records what came of it, until the run rests.
 *
 * One loop drives one claim of one run. What must be durable before the world is touched is committed together with the entry of the
 * step that touches it; that is one commit per sequential writing step, and none for pure ones.
 */
export class RunLoop {
  readonly #parts: EngineParts;
  readonly #options: EngineOptions;
  readonly #run: ClaimedRun;
  readonly #state: RunState;
  readonly #control: DriveControl;
  readonly #writer: RunWriter;
  readonly #inbox: RunInbox;
  readonly #locks: RunLocks;
  readonly #results: ResultReader;
  readonly #record: RunRecord;
  #quietRecord: RunRecord | undefined;
  readonly #context: RunContext;
  readonly #children: ChildRuns;
  readonly #stop = new StopSwitch();
  readonly #wake: WakeUp;
  readonly #deadlines: Deadlines;
  readonly #scene: Scene;
  readonly #pace: Pace;
  readonly #news: News[] = [];
  #late: LateNews[] = [];
  /** Entered, and called as soon as the entry is durable. */
  #calls: Call[] = [];
  /** Handlers that have not ended, whether or not anybody waits for them. */
  #running = 0;
  #isFencing = false;
  #hints = 1;
  #ticker: Scheduled | undefined;
  #lost: RunsealError | undefined;
  #output: JsonValue = null;

  constructor(parts: EngineParts, run: ClaimedRun, control: DriveControl, drive: ChildHooks["drive"]) {
    const { state, owner } = run;
    this.#parts = parts;
    this.#options = optionsOf(parts);
    this.#run = run;
    this.#state = state;
    this.#control = control;
    this.#wake = new WakeUp(parts.env);
    this.#writer = new RunWriter(parts, state, owner, run.head);
    this.#inbox = new RunInbox(parts, state, this.#writer, owner);
    this.#locks = new RunLocks(parts, this.#options, state, owner, () => this.#onLockLost());
    this.#results = new ResultReader(parts, state, (id) => this.#writer.unwritten(id));
    this.#deadlines = new Deadlines(parts.env);
    this.#record = new RunRecord(parts, state, this.#writer, this.#results, {
      flush: () => this.#flush(),
      wake: () => this.#wake.call(),
      broken: (error) => this.#tell({ kind: "broken", error }),
    });
    this.#context = new RunContext(state, (id) => this.#results.load(id));
    this.#children = new ChildRuns(parts, run, this.#writer, {
      drive,
      flush: () => this.#flush(),
      load: (id) => this.#results.load(id),
      broken: (error) => this.#tell({ kind: "broken", error }),
    });
    this.#scene = {
      children: this.#children,
      parts,
      state,
      locks: this.#locks,
      stop: this.#stop,
      deadlines: this.#deadlines,
      record: this.#record,
      quietRecord: () => (this.#quietRecord ??= this.#newQuietRecord()),
      transact: (work) => this.#transact(work),
    };
    this.#pace = { concurrency: Math.max(1, state.concurrency ?? 1), retryInProcessMs: this.#options.retryInProcessMs };
  }

  #newQuietRecord(): RunRecord {
    return new RunRecord(this.#parts, this.#state, this.#writer, this.#results, {
      flush: () => Promise.resolve(),
      wake: () => this.#wake.call(),
      broken: (error) => this.#tell({ kind: "broken", error }),
    });
  }

  /** Drives the run. Rejects only with what the store throws, and with broken invariants. */
  async run(): Promise<DriveEnd> {
    const { drain, abandon } = this.#control;
    const onDrain = (): void => this.#wake.call();
    const onAbandon = (): void => this.#lose(new RunsealError("instance.closed", "the run was abandoned", { call: "driveRun" }));
    const unwatch = this.#parts.stores.watch((change) => this.#onHint(change));
    const keeper = new LeaseKeeper(this.#parts, this.#state, this.#run.owner, (error) => this.#lose(error));
    drain?.addEventListener("abort", onDrain, { once: true });
    abandon?.addEventListener("abort", onAbandon, { once: true });
    if (abandon?.aborted === true) onAbandon();
    try {
      return await this.#turn();
    } catch (error) {
      if (isRunsealError(error, "lease.stale") || isRunsealError(error, "store.conflict")) return { kind: "lost", error };
      throw error;
    } finally {
      keeper.stop();
      this.#deadlines.clear();
      this.#ticker?.cancel();
      unwatch();
      drain?.removeEventListener("abort", onDrain);
      abandon?.removeEventListener("abort", onAbandon);
      this.#stop.stop();
      this.#children.abandon();
      await this.#locks.release();
    }
  }

  async #turn(): Promise<DriveEnd> {
    await this.#takeFirst();
    for (let turns = 1; ; turns += 1) {
      // handlers that never wait would keep timers, sockets and other runs from their turn
      if (turns % TURNS_PER_BREATH === 0) await this.#parts.env.breathe();
      if (this.#lost !== undefined) return { kind: "lost", error: this.#lost };
      if (this.#hints > 0) await this.#look();
      this.#collect();
      if (this.#writer.isFull(this.#parts.env.now())) await this.#relieve();
      const doing = this.#carryOut(decide(this.#state, this.#parts.env.now(), this.#demands(), this.#pace));
      const end = doing instanceof Promise ? await doing : doing;
      if (end !== undefined) return end;
    }
  }

  /** The step that was entered by the claim itself is called at once: its entry is durable, and what the inbox holds came after it. */
  async #takeFirst(): Promise<void> {
    const { first } = this.#run;
    if (first === undefined) return;
    const record = this.#recordOf(first.record.step.id);
    const staged = await this.#context.stage(record.position);
    invariant(!("conflict" in staged), "nobody has written before the first step");
    this.#calls.push({ ...first, record, staged });
    await this.#launch();
  }

  #demands(): Demands {
    const { cancel, pause } = this.#inbox;
    const isDraining = this.#control.drain?.aborted === true;
    this.#children.heed(isDraining || pause !== null);
    return cancel === null && pause === null && !isDraining ? NO_DEMANDS : { cancel, pause, isDraining };
  }

  /** `undefined` = done already, without waiting for anything. */
  #carryOut(effect: Effect): Soon<DriveEnd | undefined> {
    switch (effect.kind) {
      case "record": {
        this.#append(effect.events);
        return;
      }
      case "start":
        return this.#start(effect.stepId);
      case "answer": {
        this.#apply(answerStep(this.#parts, this.#state, this.#recordOf(effect.stepId)));
        return;
      }
      case "reconcile":
        return this.#reconcile(effect.stepId);
      case "lock":
        return this.#lock();
      case "fence":
        return this.#fence(effect.reason);
      case "wait":
        return this.#wait(effect.until);
      case "complete":
        return this.#complete();
      case "fail":
        return this.#fail(effect.failure);
      case "cancel":
        return this.#cancel(effect);
      case "pause":
        return this.#pause();
      case "park":
        return this.#park(effect);
      case "hand_over":
        return this.#handOver();
      case "rest":
        return this.#rested(undefined);
    }
  }

  // steps

  #start(stepId: StepId): Soon<undefined> {
    const started = startStep(this.#parts, this.#state, this.#results, this.#context, this.#recordOf(stepId));
    return soon(started, (it) => this.#started(it));
  }

  #started(started: Started): undefined {
    this.#apply(started);
    if (started.call !== undefined) this.#calls.push(started.call);
  }

  async #reconcile(stepId: StepId): Promise<undefined> {
    const record = this.#recordOf(stepId);
    const { step, attempt } = record;
    const entry = this.#parts.handlers(step.verb);
    const prepared = entry === undefined ? undefined : await prepareStep(step, entry, this.#results, this.#state.scope);
    const staged = await this.#context.stage(record.position);
    if (entry === undefined || prepared?.kind !== "ready" || "conflict" in staged) {
      this.#apply(
        inDoubt({ step, attempt }, entry === undefined ? handlerMissing(step.verb).message : "the arguments are no longer valid"),
      );
      return;
    }
    await this.#flush();
    if (this.#lost !== undefined || this.#state.isLockLost) return;
    this.#running += 1;
    const call = {
      record,
      number: attempt,
      entry,
      args: prepared.args,
      lateLocks: [],
      staged,
      onLate: ignore,
      onSettled: () => this.#settled(),
    };
    const outcome = await this.#attend(performReconcile(this.#scene, call), ({ cancel }) => {
      if (cancel !== null) this.#stop.stop();
    });
    if (outcome !== undefined) this.#apply(outcome);
  }

  /** Lets handlers run, or sleeps until there is news. */
  #wait(until: number | null): Soon<undefined> {
    if (this.#calls.length > 0) return this.#launch();
    if (this.#news.length > 0) return undefined;
    if (!this.#writer.isUrgent) return this.#sleep(until);
    return this.#flush().then(() => (this.#hints > 0 ? undefined : this.#sleep(until)));
  }

  #sleep(until: number | null): Promise<undefined> {
    this.#tick();
    return this.#wake.wait(until);
  }

  /** Looks again after a while if something waits for its commit: one timer over many steps. */
  #tick(): void {
    if (!this.#writer.isPending || this.#ticker !== undefined) return;
    this.#ticker = this.#parts.env.schedule(this.#options.flushMs, () => {
      this.#ticker = undefined;
      this.#wake.call();
    });
  }

  #launch(): Soon<undefined> {
    const isOutside = this.#calls.some(({ record }) => record.step.effect !== "pure" || record.step.mode !== "sync");
    return soon(isOutside || this.#writer.isUrgent ? this.#flush() : undefined, () => this.#callAll());
  }

  #callAll(): undefined {
    if (this.#lost !== undefined || this.#state.isLockLost) return;
    const calls = this.#calls;
    this.#calls = [];
    for (const call of calls) this.#perform(call);
  }

  #perform({ record, number, entry, args, lateLocks, staged }: Call): void {
    this.#running += 1;
    const onLate = (): void => this.#tell({ kind: "late", stepId: record.step.id, attempt: number });
    const onSettled = (): void => this.#settled();
    performAttempt(this.#scene, { record, number, entry, args, lateLocks, staged, onLate, onSettled }).then(
      (outcome) => this.#tell({ kind: "outcome", record, number, outcome }),
      (error: unknown) => this.#tell({ kind: "broken", error }),
    );
  }

  /** What came of the handler follows by itself; only a fence waits for nothing but its end. */
  #settled(): void {
    this.#running -= 1;
    if (this.#isFencing) this.#wake.call();
  }

  #tell(news: News): void {
    this.#news.push(news);
    this.#wake.call();
  }

  /** Records what handlers came to, as far as their attempts are still open. */
  #collect(): void {
    if (this.#news.length === 0) return;
    for (const news of this.#news.splice(0)) {
      if (news.kind === "broken") throw news.error;
      if (news.kind === "late") this.#late.push(news);
      else if (news.outcome !== undefined && this.#isOpen(news.record, news.number)) this.#apply(news.outcome);
    }
    this.#late = this.#late.filter((late) => !this.#recordLate(late));
  }

  /** Records that a handler ended after its time. While its verb is still being asked what happened, the attempt is open: then not yet. */
  #recordLate({ stepId, attempt }: LateNews): boolean {
    if (this.#isOpen(this.#recordOf(stepId), attempt)) return false;
    if (this.#state.status === "running")
      this.#append([{ kind: "step.fenced", payload: { stepId, attempt, reason: "timeout" } }]);
    return true;
  }

  #isOpen(record: StepRecord, attempt: number): boolean {
    return this.#state.inFlight.has(record.position) && record.attempt === attempt;
  }

  /** Stops handlers, gives them a moment to notice, and closes their attempts: what they return now counts for nothing. */
  async #fence(reason: string): Promise<undefined> {
    const { inFlight, orphans } = this.#state;
    this.#stop.stop();
    await this.#children.cancel(`parent ${reason}`);
    const limit = this.#parts.env.now() + this.#options.cancelGraceMs;
    this.#isFencing = true;
    while (this.#running > 0 && this.#lost === undefined && this.#parts.env.now() < limit) await this.#wake.wait(limit);
    this.#isFencing = false;
    this.#calls = [];
    if (this.#lost === undefined) this.#append(fences(this.#state, reason, [...inFlight, ...orphans]));
  }

  // locks

  async #lock(): Promise<DriveEnd | undefined> {
    const taking = await this.#stop.during((signal) => {
      const giveUp = new AbortController();
      signal.addEventListener("abort", () => giveUp.abort(), { once: true });
      if (signal.aborted) giveUp.abort();
      const taking = this.#attend(this.#locks.take(giveUp.signal), ({ cancel, pause, isDraining }) => {
        const isPausing = pause !== null && this.#state.orphans.size === 0;
        if (cancel !== null || isPausing || isDraining) giveUp.abort();
      });
      // where the inbox can't be read the run is given up here, and its place in the queue with it
      return taking.finally(() => giveUp.abort());
    });
    switch (taking.kind) {
      case "taken": {
        this.#append([taking.event]);
        return;
      }
      case "aborted":
        return undefined;
      case "refused":
        return this.#fail(failureFor(taking.error));
      case "contended": {
        const { kind, id, holder, waitedMs } = taking.contended.payload;
        const message = `${kind} "${id}" was locked by ${holder ?? "somebody"} for ${waitedMs} ms`;
        this.#append([taking.contended]);
        return this.#fail({ code: "lock.contention", category: "policy", retryable: false, message, stepId: null });
      }
    }
  }

  /** Waits for something long, and reads the inbox meanwhile: a run that is canceled does not wait on. */
  async #attend<T>(work: Promise<T>, heed: (demands: Demands) => void): Promise<T> {
    const progress = { isDone: false };
    const done = (): void => {
      progress.isDone = true;
      this.#wake.call();
    };
    work.then(done, done);
    while (!progress.isDone) {
      await this.#wake.wait(null);
      if (this.#hints > 0) await this.#look();
      heed(this.#demands());
    }
    return work;
  }

  #onLockLost(): void {
    if (this.#state.status !== "running" || this.#state.isLockLost) return;
    this.#append([{ kind: "lock.lost", payload: { reason: "the lock manager no longer vouches for them" } }]);
    this.#wake.call();
  }

  // ends

  async #complete(): Promise<DriveEnd> {
    const tree = await this.#results.reduced(this.#run.runbook.document.output);
    if (tree !== undefined && !isLiteral(tree)) return this.#fail(OUTPUT_UNKNOWN);
    const snapshot = this.#context.finalSnapshot();
    if (snapshot !== undefined && "conflict" in snapshot)
      return this.#fail({ ...writeConflict(snapshot.conflict), stepId: null });
    if (snapshot !== undefined) this.#apply(snapshot);
    const output = tree === undefined ? null : literalOf(tree);
    if (isSmall(output)) return this.#end([{ kind: "run.completed", payload: { output } }]);
    const artifact = artifactOf("output", output);
    this.#writer.attach(artifact);
    this.#output = JSON.parse(new TextDecoder().decode(artifact.bytes)) as JsonValue;
    return this.#end([artifactWritten(artifact), { kind: "run.completed", payload: { outputRef: artifact.id } }]);
  }

  async #fail(failure: RunFailure): Promise<DriveEnd> {
    await this.#endChildren("parent failed");
    const { parked, inFlight, orphans } = this.#state;
    this.#append(fences(this.#state, "run_failed", [...parked, ...inFlight, ...orphans]));
    if (this.#state.wasEntered) this.#append(leftBehind(this.#state));
    return this.#end([runFailed(this.#state, failure)], failure.code);
  }

  async #cancel(cancel: { readonly reason: string; readonly by: string | null }): Promise<DriveEnd> {
    await this.#endChildren("parent canceled");
    this.#append(fences(this.#state, "canceled", [...this.#state.parked]));
    this.#inbox.consumeCancel();
    return this.#end([runCanceled(this.#state, cancel)], cancel.reason);
  }

  /** A run that ends without having completed takes its children with it (decision 3.15). */
  async #endChildren(reason: string): Promise<void> {
    await this.#children.cancel(reason);
    await this.#children.settle();
  }

  async #end(events: readonly EventDraft[], reason = ""): Promise<DriveEnd> {
    this.#appendReleased();
    this.#append(events);
    return this.#rested(await this.#flush({ also: () => approvalsReleased(this.#parts, this.#state, reason) }));
  }

  async #pause(): Promise<DriveEnd> {
    await this.#children.rest();
    this.#appendReleased();
    this.#appendPaused();
    return this.#rested(await this.#flush());
  }

  #appendPaused(): void {
    const by = this.#demands().pause?.by ?? null;
    this.#inbox.consumePause();
    this.#append([{ kind: "run.paused", payload: { by } }]);
  }

  async #park(park: Extract<Effect, { kind: "park" }>): Promise<DriveEnd | undefined> {
    await this.#children.rest();
    // what came in since the last look may be what the run is about to wait for
    if (await this.#look()) return undefined;
    const { reason, stepId, key, until } = park;
    this.#appendReleased();
    // a doubt is the better reason to rest, but the pause was asked for and holds
    if (this.#demands().pause !== null) this.#appendPaused();
    this.#append([{ kind: "run.parked", payload: { reason, stepId, key, until } }]);
    return this.#rested(await this.#flush());
  }

  async #handOver(): Promise<DriveEnd> {
    await this.#children.rest();
    this.#appendReleased();
    await this.#flush({ release: true });
    return { kind: "handed_over", view: runViewOf(this.#state) };
  }

  /** @param at - when the last commit was made, by the store's clock */
  #rested(at: number | undefined): DriveEnd {
    const told = runViewOf(this.#state);
    const view = told.endedAt === null ? told : { ...told, endedAt: at ?? told.endedAt };
    const result = present(runResultOf(view), "a run that rests has a result");
    const isKept = result.status === "completed" && this.#state.outputRef !== undefined;
    return { kind: "rested", result: isKept ? { ...result, output: this.#output } : result, view };
  }

  #appendReleased(): void {
    const released = this.#locks.released();
    if (released !== undefined) this.#append([released]);
  }

  // history

  #append(events: readonly EventDraft[]): undefined {
    for (const event of events) this.#writer.append(event);
  }

  #apply(outcome: Outcome): undefined {
    const { artifacts, events } = cleanOutcome(outcome, knownIn(this.#parts, this.#state.scope));
    for (const artifact of artifacts) this.#writer.attach(artifact);
    this.#append(events);
    const snapshot = this.#context.snapshotDue();
    if (snapshot !== undefined) this.#apply(snapshot);
  }

  /** Commits what waits. */
  #flush(extras?: FlushExtras): Promise<number | undefined> {
    return this.#writer.flush(extras);
  }

  /**
   * Commits what waits because it is much, not because anything depends on it: the run goes on meanwhile. With as much again waiting
   * before that commit has ended, the run waits too.
   */
  async #relieve(): Promise<void> {
    if (this.#writer.isUrgent || this.#writer.isCommitting) {
      await this.#flush();
      return;
    }
    this.#flush().catch((error: unknown) => this.#tell({ kind: "broken", error }));
  }

  async #transact(work: Parameters<Scene["transact"]>[0]): Promise<void> {
    await this.#writer.transact((tx, commit) =>
      work(tx, (outcome) => {
        this.#apply(outcome);
        return commit();
      }),
    );
  }

  async #look(): Promise<boolean> {
    this.#hints = 0;
    const isAnswered = await this.#lookAtChildren();
    return (await this.#inbox.look()) || isAnswered;
  }

  /** Steps that wait for a child go on when the child has something to do. */
  async #lookAtChildren(): Promise<boolean> {
    if (this.#state.children.size === 0) return false;
    let isAnswered = false;
    for (const position of this.#state.parked) {
      const { step, wait } = recordAt(this.#state, position);
      if (wait?.reason !== "awaiting_child" || this.#state.answered.has(position) || !(await this.#children.isDue(wait.key)))
        continue;
      this.#append([{ kind: "wait.answered", payload: { stepId: step.id, key: wait.key, by: "child" } }]);
      isAnswered = true;
    }
    return isAnswered;
  }

  /** Only messages to this run are news: its log is written here alone. */
  #onHint(change: StoreChange | undefined): void {
    const { scope, runId } = this.#state;
    if (change !== undefined && !(change.what === "message" && change.scope === scope && change.stream === runStream(runId)))
      return;
    this.#hints += 1;
    this.#wake.call();
  }

  #lose(error: RunsealError): void {
    this.#lost ??= error;
    this.#stop.stop();
    this.#wake.call();
  }

  #recordOf(stepId: StepId): StepRecord {
    return present(recordOf(this.#state, stepId), "decide names steps of the run");
  }
}

/** Turns of the loop before the process gets a moment for everything else; a step takes about three. */
const TURNS_PER_BREATH = 128;

const OUTPUT_UNKNOWN: RunFailure = {
  code: "internal.invariant",
  category: "bug",
  retryable: false,
  message: "the output of the runbook names something that has no value after the run",
  stepId: null,
};

function failureFor(error: RunsealError): RunFailure {
  return { code: error.code, category: "policy", retryable: false, message: error.message, stepId: null };
}

function ignore(): void {
  // a reconcile handler that was given up
}
