import assert from "node:assert/strict";
import type { ChainHead } from "../../history/chain.js";
import type { EventDraft } from "../../model/event.js";
import type { JsonObject } from "../../json/value.js";
import type { RunbookId, RunId, Scope } from "../../model/ids.js";
import type { RunHead } from "../../model/run.js";
import type { CommitAnswer, RunLimit, StreamWrite } from "../../stores/event-store.js";
import type { Stores } from "../../stores/stores.js";
import { chainEvent, emptyHead } from "../../history/chain.js";
import { nextRunHead } from "../../history/run-head.js";
import { runbookStream, runStream } from "../../model/ids.js";

/** A runbook id that nothing is stored under; streams do not ask for it. */
export const SAMPLE_RUNBOOK: RunbookId = `rb_${"5ea1".repeat(16)}`;

/** Term of the leases of sample runs, milliseconds. */
export const SAMPLE_LEASE_MS = 10_000;

/** A run id; higher numbers sort later. */
export function sampleRunId(number: number): RunId {
  return `0190a000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}

/** What a sample run is submitted with. */
export interface SampleSubmission {
  readonly runbookId?: RunbookId;
  readonly uses?: "once" | "many";
  readonly dedupKey?: string | null;
  readonly queue?: string;
  readonly priority?: number;
  readonly parent?: RunId | null;
  readonly labels?: JsonObject;
}

/** Writes one run's stream as the engine would: chains events, moves the projection, keeps owner and epoch. */
export class SampleRun {
  readonly scope: Scope;
  readonly runId: RunId;
  #chain: ChainHead;
  #run: RunHead | null = null;
  #lease: { readonly owner: string; readonly epoch: number } | null = null;
  #epoch = 0;

  constructor(number: number, scope: Scope = "default") {
    this.scope = scope;
    this.runId = sampleRunId(number);
    this.#chain = emptyHead(scope, runStream(this.runId));
  }

  get stream(): `run/${string}` {
    return `run/${this.runId}`;
  }

  get seq(): number {
    return this.#chain.seq;
  }

  /** The fence that the run's owner writes under; null without an owner. */
  get fence(): StreamWrite["fence"] {
    return this.#lease;
  }

  /** The next write, not committed yet. */
  write(drafts: readonly EventDraft[], over: Partial<StreamWrite> = {}): StreamWrite {
    const epoch = over.claim?.epoch ?? over.fence?.epoch ?? this.#epoch;
    let chain = this.#chain;
    let run = this.#run;
    const events = drafts.map((draft) => {
      const event = chainEvent(chain, draft, epoch);
      chain = { ...chain, seq: event.seq, hash: event.hash };
      run = nextRunHead(run, draft, this.runId);
      return event;
    });
    const fence = over.claim === undefined ? this.#lease : null;
    const base = { scope: this.scope, stream: this.stream, expectedSeq: this.#chain.seq, fence, events, artifacts: [] };
    return { ...base, ...(run === null ? {} : { run }), ...over };
  }

  /** Remembers a write that was committed. */
  adopt(write: StreamWrite): void {
    const last = write.events.at(-1);
    if (last !== undefined) this.#chain = { ...this.#chain, seq: last.seq, hash: last.hash };
    this.#run = write.run ?? this.#run;
    if (write.claim !== undefined) {
      this.#epoch = write.claim.epoch;
      this.#lease = { owner: write.claim.owner, epoch: write.claim.epoch };
    }
    const status = this.#run?.status;
    if (write.releaseLease === true || (status !== "running" && status !== "queued")) this.#lease = null;
  }

  /** Commits events; adopts them when they were committed. */
  async try(stores: Stores, drafts: readonly EventDraft[], over: Partial<StreamWrite> = {}): Promise<CommitAnswer> {
    const write = this.write(drafts, over);
    const answer = await stores.events.commit([write]);
    if (answer.kind === "committed") this.adopt(write);
    return answer;
  }

  /** Commits events that must go in. */
  async commit(stores: Stores, drafts: readonly EventDraft[], over: Partial<StreamWrite> = {}): Promise<void> {
    const answer = await this.try(stores, drafts, over);
    assert.equal(answer.kind, "committed", JSON.stringify(answer));
  }

  /** The write that submits the run. */
  submission(over: SampleSubmission = {}): StreamWrite {
    return this.write([submitted(over)]);
  }

  async submit(stores: Stores, over: SampleSubmission = {}): Promise<void> {
    await this.commit(stores, [submitted(over)]);
  }

  /** The write that takes the next lease for the stores' owner and starts the run. */
  claim(stores: Pick<Stores, "owner">, leaseMs = SAMPLE_LEASE_MS, limits?: readonly RunLimit[]): StreamWrite {
    const { owner } = stores;
    const epoch = this.#epoch + 1;
    const taken: EventDraft = { kind: "lease.taken", payload: { owner, epoch, leaseMs, previous: null } };
    const claim = { owner, epoch, leaseMs, ...(limits !== undefined && { limits }) };
    return this.write([taken, epoch === 1 ? started(owner) : resumed(owner, epoch)], { claim });
  }

  /** The write that submits the run and starts it at once. */
  beginning(stores: Pick<Stores, "owner">, over: SampleSubmission = {}, leaseMs = SAMPLE_LEASE_MS): StreamWrite {
    const { owner } = stores;
    const taken: EventDraft = { kind: "lease.taken", payload: { owner, epoch: 1, leaseMs, previous: null } };
    return this.write([submitted(over), taken, started(owner)], { claim: { owner, epoch: 1, leaseMs } });
  }

  /** Claims under limits; adopts the claim when it was committed. */
  async tryStart(stores: Stores, limits: readonly RunLimit[], leaseMs = SAMPLE_LEASE_MS): Promise<CommitAnswer> {
    const write = this.claim(stores, leaseMs, limits);
    const answer = await stores.events.commit([write]);
    if (answer.kind === "committed") this.adopt(write);
    return answer;
  }

  async start(stores: Stores, leaseMs = SAMPLE_LEASE_MS): Promise<void> {
    const write = this.claim(stores, leaseMs);
    const answer = await stores.events.commit([write]);
    assert.equal(answer.kind, "committed", JSON.stringify(answer));
    this.adopt(write);
  }
}

/** `run.submitted`. */
export function submitted(over: SampleSubmission = {}): EventDraft {
  const base = {
    uses: "many",
    dedupKey: null,
    queue: "default",
    priority: 0,
    labels: { team: "blue" },
    concurrency: null,
  } as const;
  return {
    kind: "run.submitted",
    payload: { runbookId: SAMPLE_RUNBOOK, ...base, requires: ["c2", "c1"], parent: null, by: null, ...over },
  };
}

function started(owner: string): EventDraft {
  const payload = { runbookId: SAMPLE_RUNBOOK, manifestId: null, approvals: [], build: {}, owner, epoch: 1, deadlineAt: null };
  return { kind: "run.started", payload };
}

function resumed(owner: string, epoch: number): EventDraft {
  return { kind: "run.resumed", payload: { owner, epoch, reason: "sample" } };
}

/** `step.entered`. */
export function entered(stepId: string): EventDraft {
  return { kind: "step.entered", payload: { stepId, attempt: 1, args: { of: stepId } } };
}

/** `step.completed`. */
export function completed(stepId: string): EventDraft {
  return { kind: "step.completed", payload: { stepId, attempt: 1, result: { of: stepId }, declared: [] } };
}

/** `run.parked`. */
export function parked(until: number | null): EventDraft {
  return { kind: "run.parked", payload: { reason: "awaiting_signal", stepId: "wait", key: "k", until } };
}

/** `run.completed`. */
export const runCompleted: EventDraft = { kind: "run.completed", payload: { output: { ok: true } } };

/** `run.canceled` before the first step: the run gives its use back. */
export const runCanceledVoid: EventDraft = { kind: "run.canceled", payload: { reason: "asked", by: null, isVoid: true } };

/** The first write of the sample runbook's own stream: an approval that was spent on a run. */
export function spentApproval(scope: Scope, runId: RunId): StreamWrite {
  const stream = runbookStream(SAMPLE_RUNBOOK);
  const draft: EventDraft = { kind: "approval.consumed", payload: { nonce: "n", runId } };
  return { scope, stream, expectedSeq: 0, fence: null, events: [chainEvent(emptyHead(scope, stream), draft, 0)], artifacts: [] };
}
