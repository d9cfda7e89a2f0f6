import type { ChildEnd } from "../model/child-end.js";
import type { ClaimedRun } from "./claim-run.js";
import type { DriveControl, DriveEnd } from "./drive-end.js";
import type { EngineParts } from "./parts.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { RunChild, RunState } from "../history/run-state.js";
import type { Digest, RunId, RunbookId } from "../model/ids.js";
import type { RunResult } from "../model/run.js";
import type { RunWriter } from "./run-writer.js";
import type { Runbook } from "../model/runbook.js";
import type { SealedStep } from "../model/step.js";
import { LazySignal } from "./lazy-signal.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { assertChildAllowed, assertCovered } from "./child-rules.js";
import { cancelMessage } from "./inbox-message.js";
import { childEnded, childKey, endOf } from "./child-events.js";
import { claimRun } from "./claim-run.js";
import { loadRun } from "./load-run.js";
import { optionsOf } from "./parts.js";
import { runPlanOf } from "../history/run-plan.js";
import { runResultOf, runViewOf } from "../history/run-view.js";
import { runStream } from "../model/ids.js";
import { submission } from "./submit-run.js";
import { uuidV5 } from "../json/uuid.js";

/** Longest sleep before a child that somebody holds is tried again, milliseconds. */
const HELD_SLEEP_MAX_MS = 1_000;

/** A child has ended, or it rests: then so does the step that waits for it, until `until` or until the child goes on. */
export type ChildAnswer =
  | { readonly kind: "ended"; readonly end: ChildEnd }
  | { readonly kind: "rests"; readonly key: string; readonly until: number | null };

/** How children reach the loop that drives their parent. */
export interface ChildHooks {
  /** Drives a claimed run; given, because the loop of a child is the loop of its parent. */
  readonly drive: (parts: EngineParts, run: ClaimedRun, control: DriveControl) => Promise<DriveEnd>;
  readonly flush: () => Promise<unknown>;
  /** Reads a JSON artifact. */
  readonly load: (id: Digest) => Promise<JsonValue>;
  readonly broken: (error: unknown) => void;
}

/**
 * The child runs of one run, driven in the process that drives it and under its locks (decision 3.5).
 *
 * The id of a child is made from the parent's and a key, so that however often a step is tried, it is the same child.
 */
export class ChildRuns {
  readonly #ofParent: EngineParts;
  #ofChildren: EngineParts | undefined;
  readonly #state: RunState;
  readonly #writer: RunWriter;
  readonly #build: JsonObject;
  readonly #hooks: ChildHooks;
  readonly #drives = new Map<string, Promise<ChildAnswer>>();
  /** No new step in any child: the parent is to rest. */
  #halt = new LazySignal();
  readonly #abandon = new LazySignal();

  constructor(parts: EngineParts, run: ClaimedRun, writer: RunWriter, hooks: ChildHooks) {
    this.#ofParent = parts;
    this.#state = run.state;
    this.#writer = writer;
    this.#build = run.build;
    this.#hooks = hooks;
  }

  /** Made when it is asked for: most runs have no child. */
  get #parts(): EngineParts {
    const { rootRunId = this.#state.runId, depth = 0 } = this.#ofParent;
    return (this.#ofChildren ??= { ...this.#ofParent, rootRunId, depth: depth + 1 });
  }

  /**
   * Runs a sealed runbook as the child under a key, or goes on with it; a child that has ended is not run again.
   *
   * @throws {@link RunsealError} `child.refused`, `child.conflict`, `write.undeclared`, `runbook.not_found`, `io.invalid_fact_key`, and refusals of admission
   */
  call(step: SealedStep, runbookId: string, key: string): Promise<ChildAnswer> {
    assertChildAllowed(step, runbookId, key, this.#parts.depth ?? 0);
    const driven = this.#drives.get(key);
    if (driven !== undefined) return driven;
    return this.#keep(key, this.#callOnce(step, runbookId, key));
  }

  /** Lets the children that are driven here come to their next boundary: they rest before their parent does. */
  async rest(): Promise<void> {
    if (this.#drives.size === 0) return;
    this.#halt.abort();
    await Promise.allSettled(this.#drives.values());
  }

  /** Asks the children that are driven here to come to their next boundary, or lets them go on. */
  heed(isHalting: boolean): void {
    if (isHalting) this.#halt.abort();
    else if (this.#halt.isAborted && this.#drives.size === 0) this.#halt = new LazySignal();
  }

  /** Asks every child that has not ended to be canceled; an event in each says by whom. */
  async cancel(reason: string): Promise<void> {
    const { scope, runId } = this.#state;
    for (const child of this.#open()) {
      await this.#parts.stores.inbox.put(cancelMessage(scope, child.runId, { reason, by: `run:${runId}` }));
    }
  }

  /** Waits for canceled children to end, at most for the grace of a cancel; those that nobody drives are driven to their end here. */
  async settle(): Promise<void> {
    const open = this.#open();
    if (open.length === 0) return;
    const ends = open.map((child) => this.#drives.get(child.key) ?? this.#keep(child.key, this.#takeUp(child)));
    const graceMs = optionsOf(this.#parts).cancelGraceMs;
    const giveUp = new AbortController();
    await Promise.race([Promise.allSettled(ends), this.#parts.env.sleep(graceMs, giveUp.signal)]);
    giveUp.abort();
  }

  /** Stops driving at once. */
  abandon(): void {
    this.#abandon.abort();
  }

  /** Whether the child that a parked step waits for has something to do. */
  async isDue(key: string): Promise<boolean> {
    const child = this.#open().find((open) => childKey(open.runId) === key);
    if (child === undefined) return true;
    const head = await this.#parts.stores.reader.head(this.#state.scope, runStream(child.runId));
    const wakeAt = head?.run?.wakeAt ?? null;
    return wakeAt !== null && wakeAt <= this.#parts.env.now();
  }

  #open(): readonly (RunChild & { readonly key: string })[] {
    return [...this.#state.children].flatMap(([key, child]) => (child.end === undefined ? [{ ...child, key }] : []));
  }

  #keep(key: string, drive: Promise<ChildAnswer>): Promise<ChildAnswer> {
    const kept = drive.finally(() => this.#drives.delete(key));
    this.#drives.set(key, kept);
    return kept;
  }

  async #callOnce(step: SealedStep, runbookId: RunbookId, key: string): Promise<ChildAnswer> {
    const known = this.#state.children.get(key);
    if (known?.end !== undefined && known.runbookId === runbookId)
      return { kind: "ended", end: await this.#whole(known.end, known.outputRef) };
    if (known === undefined) return this.#spawn(step, runbookId, key);
    if (known.runbookId === runbookId) return this.#takeUp(known);
    const message = `the key "${key}" belongs to the child "${known.runId}" of another runbook`;
    throw new RunsealError("child.conflict", message, { key, runId: known.runId, runbookId: known.runbookId });
  }

  async #whole(end: ChildEnd, outputRef: Digest | undefined): Promise<ChildEnd> {
    return end.status === "completed" && outputRef !== undefined ? { ...end, output: await this.#hooks.load(outputRef) } : end;
  }

  /** Parent and child are written together: there is no child that its parent does not know, and none that is missing. */
  async #spawn(step: SealedStep, runbookId: RunbookId, key: string): Promise<ChildAnswer> {
    const { scope, plan } = this.#state;
    const runbook = await this.#runbook(runbookId);
    assertCovered(plan, step, runbook);
    await this.#parts.admitChild?.(scope, runbook);
    const runId = uuidV5(this.#state.runId, key);
    const { write } = submission(this.#parts, {
      scope,
      runbook,
      runId,
      dedupKey: null,
      queue: this.#state.queue,
      priority: 0,
      labels: this.#state.labels,
      concurrency: this.#state.concurrency,
      parent: this.#state.runId,
      by: null,
    });
    await this.#refuseOther(write.run?.useKey ?? null, runId, key);
    this.#writer.append({ kind: "child.spawned", payload: { stepId: step.id, key, runId, runbookId } });
    this.#writer.join(write);
    await this.#flush();
    return this.#drive(runId, runbook);
  }

  async #refuseOther(useKey: string | null, runId: RunId, key: string): Promise<void> {
    if (useKey === null) return;
    const [other] = await this.#parts.stores.runs.list(this.#state.scope, { useKey, limit: 1 });
    if (other?.run === null || other?.run === undefined || other.run.runId === runId) return;
    const message = `the runbook runs once, and is the run "${other.run.runId}" already`;
    throw new RunsealError("child.conflict", message, { key, runId: other.run.runId, runbookId: other.run.runbookId });
  }

  async #takeUp(child: RunChild): Promise<ChildAnswer> {
    return this.#drive(child.runId, await this.#runbook(child.runbookId));
  }

  async #runbook(runbookId: RunbookId): Promise<Runbook> {
    const runbook = await this.#parts.stores.runbooks.get(this.#state.scope, runbookId);
    if (runbook !== undefined) return runbook;
    const message = `there is no runbook "${runbookId}" in scope "${this.#state.scope}"`;
    throw new RunsealError("runbook.not_found", message, { scope: this.#state.scope, runbookId });
  }

  async #drive(runId: RunId, runbook: Runbook): Promise<ChildAnswer> {
    const { scope } = this.#state;
    for (;;) {
      if (this.#abandon.isAborted || this.#halt.isAborted) return this.#rests(runId, this.#parts.env.now());
      const claim = await claimRun(this.#parts, { scope, runId, runbook, reason: "wake", build: this.#build, approvals: null });
      if (claim.kind === "claimed") {
        const answer = await this.#attend(claim.run);
        if (answer !== undefined) return answer;
      } else if (isRunsealError(claim.error, "run.terminal")) {
        const view = runViewOf(await loadRun(this.#parts, scope, runId, runPlanOf(runbook)));
        return this.#ended(runResultOf(view), runId);
      } else {
        await this.#waitForHolder(runId);
      }
    }
  }

  /** `undefined`: somebody else had the child; it is tried again. */
  async #attend(run: ClaimedRun): Promise<ChildAnswer | undefined> {
    const control = { drain: this.#halt.signal, abandon: this.#abandon.signal };
    const end = await this.#hooks.drive(this.#parts, run, control);
    const { runId } = run.state;
    if (end.kind === "handed_over") return this.#rests(runId, this.#parts.env.now());
    if (end.kind === "lost") return undefined;
    return end.result.status === "parked" ? this.#rests(runId, end.result.until) : this.#ended(end.result, runId);
  }

  #rests(runId: RunId, until: number | null): ChildAnswer {
    return { kind: "rests", key: childKey(runId), until };
  }

  async #ended(result: RunResult | undefined, runId: RunId): Promise<ChildAnswer> {
    const end = endOf(result, runId);
    const known = [...this.#state.children.values()].find((child) => child.runId === runId);
    if (known !== undefined && known.end === undefined && this.#state.status === "running") {
      this.#writer.append(childEnded(known.stepId, end));
      await this.#flush();
    }
    return { kind: "ended", end };
  }

  /** Another process holds the child, such as one that lost its parent: its term ends, or it gives the child back. */
  async #waitForHolder(runId: RunId): Promise<void> {
    const head = await this.#parts.stores.reader.head(this.#state.scope, runStream(runId));
    const restMs = (head?.leaseUntil ?? 0) - this.#parts.env.now();
    await this.#parts.env.sleep(Math.min(HELD_SLEEP_MAX_MS, Math.max(1, restMs)), this.#abandon.signal);
  }

  async #flush(): Promise<void> {
    try {
      await this.#hooks.flush();
    } catch (error) {
      // the step that asked may swallow it; the run must not go on as if nothing had happened
      this.#hooks.broken(error);
      throw error;
    }
  }
}
