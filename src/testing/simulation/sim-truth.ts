import type { AnyEvent } from "../../model/event.js";
import type { CommitAnswer, StreamWrite } from "../../stores/event-store.js";
import type { InboxEntry, PutAnswer } from "../../stores/inbox.js";
import type { LockOwner, LockRequest } from "../../stores/lock-manager.js";
import type { ChainedEvent } from "../../model/event.js";
import type { RunHead } from "../../model/run.js";
import { locksClash } from "../../stores/lock-queue.js";

/** A rule that a simulation holds its workers to, and how it was broken. */
export interface SimViolation {
  readonly rule: SimRule;
  readonly message: string;
}

/** The invariants of a simulation. */
export type SimRule =
  | "seq_dense"
  | "chain_links"
  | "one_end"
  | "epoch_current"
  | "completed_once"
  | "entered_before_called"
  | "called_once_an_attempt"
  | "not_called_after_completed"
  | "dependencies_first"
  | "effect_at_most_once"
  | "fact_asked_once"
  | "locks_exclusive"
  | "message_once"
  | "message_kept"
  | "verifies"
  | "heads_rebuild"
  | "rests"
  | "no_broken_invariant";

interface StepTruth {
  attempt: number;
  completedAt: number | undefined;
  isOver: boolean;
  readonly entered: Set<number>;
  readonly called: Set<string>;
}

interface RunTruth {
  readonly runId: string;
  head: RunHead;
  seq: number;
  hash: string;
  epoch: number;
  isEnded: boolean;
  readonly steps: Map<string, StepTruth>;
  readonly signals: Set<string>;
  readonly decisions: Set<string>;
  readonly facts: Set<string>;
}

/** What a handler is called for. */
export interface SimCall {
  readonly runId: string;
  readonly stepId: string;
  readonly attempt: number;
  readonly isPure: boolean;
}

interface Grant {
  readonly holder: string;
  readonly owner: LockOwner;
  readonly requests: readonly LockRequest[];
}

/**
 * Sees everything that became durable and every call of a handler, and holds it against the invariants while it happens.
 */
export class SimTruth {
  readonly violations: SimViolation[] = [];
  readonly runs = new Map<string, RunTruth>();
  readonly #note: (line: string) => void;
  readonly #isOwnerAlive: (owner: string) => boolean;
  readonly #dependencies: (runbookId: string, stepId: string) => readonly string[];
  #grants: Grant[] = [];

  constructor(options: {
    readonly note: (line: string) => void;
    readonly isOwnerAlive: (owner: string) => boolean;
    readonly dependencies: (runbookId: string, stepId: string) => readonly string[];
  }) {
    this.#note = options.note;
    this.#isOwnerAlive = options.isOwnerAlive;
    this.#dependencies = options.dependencies;
  }

  /** Something is not as it must be. */
  violate(rule: SimRule, message: string): void {
    this.violations.push({ rule, message });
  }

  /** A commit, and what it was answered. */
  committed(writes: readonly StreamWrite[], answer: CommitAnswer): void {
    if (answer.kind !== "committed") return;
    for (const write of writes) if (write.stream.startsWith("run/")) this.#write(write);
  }

  /** A message, and what it was answered. */
  put(entry: InboxEntry, answer: PutAnswer): void {
    this.#note(`${entry.key} ${answer.kind}`);
  }

  /** A handler is called. */
  called(call: SimCall): void {
    const { runId, stepId, attempt } = call;
    const step = this.#step(this.runs.get(runId), stepId);
    this.#note(`call ${stepId} ${attempt}`);
    const name = `"${stepId}" of run ${runId.slice(-4)}, attempt ${attempt}`;
    if (step === undefined) {
      this.violate("entered_before_called", `${name}: the run is not there`);
      return;
    }
    if (step.completedAt !== undefined && attempt > step.completedAt) {
      this.violate("not_called_after_completed", `${name} was called after attempt ${step.completedAt} had completed`);
    }
    if (call.isPure) return;
    if (!step.entered.has(attempt)) this.violate("entered_before_called", `${name} was called before its entry was durable`);
    if (step.called.has(String(attempt))) this.violate("called_once_an_attempt", `${name} was called twice`);
    step.called.add(String(attempt));
  }

  /** Locks were granted to a process; what it returns takes them back. */
  granted(holder: string, owner: LockOwner, requests: readonly LockRequest[]): () => void {
    const grant = { holder, owner, requests };
    for (const other of this.#grants) {
      if (other.owner.runId === owner.runId || !this.#isOwnerAlive(other.holder)) continue;
      const clash = requests.find((wanted) => other.requests.some((held) => held.key === wanted.key && locksClash(held, wanted)));
      if (clash === undefined) continue;
      this.violate("locks_exclusive", `"${clash.id}" is locked for runs ${other.owner.runId} and ${owner.runId}`);
    }
    this.#grants.push(grant);
    return () => {
      this.#grants = this.#grants.filter((other) => other !== grant);
    };
  }

  /** Locks of a process that died. */
  dropGrants(holder: string): void {
    this.#grants = this.#grants.filter((grant) => grant.holder !== holder);
  }

  #write(write: StreamWrite): void {
    const run = this.#runOf(write);
    if (run === undefined) return;
    for (const event of write.events) this.#event(run, event);
    if (write.run !== undefined) run.head = write.run;
  }

  #runOf({ stream, run }: StreamWrite): RunTruth | undefined {
    const runId = stream.slice("run/".length);
    const known = this.runs.get(runId);
    if (known !== undefined || run === undefined) return known;
    const made: RunTruth = {
      runId,
      head: run,
      seq: 0,
      hash: "",
      epoch: 0,
      isEnded: false,
      steps: new Map(),
      signals: new Set(),
      decisions: new Set(),
      facts: new Set(),
    };
    this.runs.set(runId, made);
    return made;
  }

  #event(run: RunTruth, chained: ChainedEvent): void {
    const where = `event ${chained.seq} (${chained.kind}) of run ${run.runId.slice(-4)}`;
    this.#note(`${chained.kind} ${chained.hash}`);
    if (chained.seq !== run.seq + 1) this.violate("seq_dense", `${where} follows ${run.seq}`);
    if (run.seq > 0 && chained.prev !== run.hash) this.violate("chain_links", `${where} does not link to the one before`);
    if (run.isEnded) this.violate("one_end", `${where} follows the end`);
    run.seq = chained.seq;
    run.hash = chained.hash;
    if (chained.kind === "lease.taken") run.epoch = chained.epoch;
    else if (chained.epoch !== run.epoch)
      this.violate("epoch_current", `${where} is of epoch ${chained.epoch}, not ${run.epoch}`);
    const payload = JSON.parse(chained.payloadText) as AnyEvent["payload"] & { readonly [member: string]: unknown };
    const { stepId } = payload;
    if (typeof stepId === "string") this.#stepEvent(run, chained.kind, stepId, payload, where);
    if (chained.kind === "signal.received") this.#once(run.signals, String(payload["key"]), where);
    if (chained.kind === "fact.recorded") this.#once(run.facts, String(payload["key"]), where);
    if (chained.kind === "decision.made") {
      this.#once(run.decisions, `${String(stepId)} ${Number(payload["attempt"] ?? 0)}`, where);
    }
    if (ENDS.has(chained.kind)) run.isEnded = true;
  }

  #once(seen: Set<string>, key: string, where: string): void {
    if (seen.has(key)) this.violate("message_once", `${where}: "${key}" became history before`);
    seen.add(key);
  }

  #stepEvent(run: RunTruth, kind: string, stepId: string, payload: { readonly [member: string]: unknown }, where: string): void {
    const step = this.#step(run, stepId);
    if (step === undefined) return;
    const attempt = Number(payload["attempt"] ?? 0);
    switch (kind) {
      case "step.entered": {
        if (step.completedAt !== undefined) this.violate("completed_once", `${where}: "${stepId}" had completed`);
        for (const before of this.#dependencies(run.head.runbookId, stepId)) {
          if (this.#step(run, before)?.isOver === true) continue;
          this.violate("dependencies_first", `${where}: "${before}" has not ended`);
        }
        step.attempt = attempt;
        step.entered.add(attempt);
        return;
      }
      case "step.completed": {
        if (step.completedAt !== undefined) this.violate("completed_once", `${where}: "${stepId}" had completed`);
        step.completedAt = attempt;
        step.isOver = true;
        return;
      }
      case "step.failed":
        step.isOver ||= payload["final"] === true;
        return;
      case "step.skipped":
      case "step.fenced":
        step.isOver = true;
        return;
      default:
    }
  }

  #step(run: RunTruth | undefined, stepId: string): StepTruth | undefined {
    if (run === undefined) return undefined;
    const known = run.steps.get(stepId);
    if (known !== undefined) return known;
    const made: StepTruth = { attempt: 0, completedAt: undefined, isOver: false, entered: new Set(), called: new Set() };
    run.steps.set(stepId, made);
    return made;
  }
}

const ENDS: ReadonlySet<string> = new Set(["run.completed", "run.failed", "run.canceled"]);
