import type { AnyEvent, EventPayload, StoredEvent } from "../model/event.js";
import type { RunId, RunbookId, Scope } from "../model/ids.js";
import type { RunProblem } from "./run-problem.js";
import { checkedEvent } from "./check-event.js";
import { runbookStream } from "../model/ids.js";
import { verifyChain } from "./verify-chain.js";

/** Whose approvals are checked. */
export interface ApprovalsOf {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbookId: RunbookId;
}

/**
 * How long after an approval's end its run may have started: the start is judged by the clock just before the commit, and the commit
 * waits for the store.
 */
const START_SLACK_MS = 60_000;

/**
 * Holds the approvals that a run says it was started with against the runbook's stream (decision 3.4): the stream's own chain, that
 * each was given for this runbook, stood and had not expired when the run spent it, and that the run spent no other.
 *
 * Whether approvals were needed is a policy of the instance, which the log does not hold.
 *
 * Cost: linear in the bytes of the stream.
 *
 * @param events - of the run, as read
 * @param stream - of the runbook, from its first event on
 */
export function approvalProblems(
  of: ApprovalsOf,
  events: readonly AnyEvent[],
  stream: readonly StoredEvent[],
): readonly RunProblem[] {
  const name = runbookStream(of.runbookId);
  const { integrity, head } = verifyChain(of.scope, name, stream);
  const book = new ApprovalBook(of);
  if (integrity !== "ok") book.damaged(`event ${integrity.seq} of "${name}" ${integrity.why}`);
  for (const stored of stream.slice(0, head.seq)) {
    if (stored.payloadText === "") continue;
    const checked = checkedEvent(stored);
    if ("event" in checked) book.next(checked.event);
    else book.damaged(`event ${stored.seq} of "${name}" ${checked.why}`);
  }
  const started = events.find((event) => event.kind === "run.started");
  return book.close(started?.kind === "run.started" ? started : undefined);
}

interface Entry {
  readonly given: EventPayload<"approval.given">;
  status: "given" | "revoked" | "consumed";
}

/** The approvals of a runbook, as far as one run is concerned. */
class ApprovalBook {
  readonly #of: ApprovalsOf;
  readonly #entries = new Map<string, Entry>();
  /** Nonce -> when this run spent it. */
  readonly #spent = new Map<string, number>();
  readonly #problems: RunProblem[] = [];

  constructor(of: ApprovalsOf) {
    this.#of = of;
  }

  damaged(message: string): void {
    this.#problems.push({ seq: null, rule: "approvals_damaged", message });
  }

  next(event: AnyEvent): void {
    switch (event.kind) {
      case "approval.given":
        if (!this.#entries.has(event.payload.nonce)) {
          this.#entries.set(event.payload.nonce, { given: event.payload, status: "given" });
        }
        return;
      case "approval.revoked":
        this.#move(event.payload.nonce, "given", "revoked");
        return;
      case "approval.released":
        this.#move(event.payload.nonce, "consumed", "given");
        return;
      case "approval.consumed":
        this.#consume(event.payload, event.at);
        return;
      default:
    }
  }

  /** What is wrong with what `run.started` says. */
  close(started: Extract<AnyEvent, { kind: "run.started" }> | undefined): readonly RunProblem[] {
    const named = new Set(started?.payload.approvals);
    const seq = started?.seq ?? null;
    for (const nonce of named) {
      const why = this.#whyNotStartedBy(nonce);
      if (why !== undefined) this.#problems.push({ seq, ...why });
    }
    for (const nonce of this.#spent.keys()) {
      if (!named.has(nonce)) this.#mismatch(seq, `approval "${nonce}" was spent by the run, which does not name it`);
    }
    return this.#problems;
  }

  #move(nonce: string, from: Entry["status"], to: Entry["status"]): void {
    const entry = this.#entries.get(nonce);
    if (entry?.status === from) entry.status = to;
  }

  #consume({ nonce, runId }: EventPayload<"approval.consumed">, at: number): void {
    const entry = this.#entries.get(nonce);
    const isOurs = runId === this.#of.runId;
    if (isOurs) this.#spent.set(nonce, at);
    if (entry === undefined) return;
    if (isOurs && entry.status !== "given") this.#mismatch(null, `approval "${nonce}" was ${entry.status} when the run spent it`);
    entry.status = "consumed";
  }

  #whyNotStartedBy(nonce: string): Omit<RunProblem, "seq"> | undefined {
    const given = this.#entries.get(nonce)?.given;
    if (given === undefined) return { rule: "approval_missing", message: `approval "${nonce}" was never given` };
    const spentAt = this.#spent.get(nonce);
    const wrong =
      given.runbookId !== this.#of.runbookId
        ? `is for "${given.runbookId}"`
        : given.decision !== "approve"
          ? `says "${given.decision}"`
          : spentAt === undefined
            ? "was not spent by the run"
            : given.expiresAt !== null && given.expiresAt + START_SLACK_MS < spentAt
              ? "had expired when the run started"
              : undefined;
    return wrong === undefined ? undefined : { rule: "approval_mismatch", message: `approval "${nonce}" ${wrong}` };
  }

  #mismatch(seq: number | null, message: string): void {
    this.#problems.push({ seq, rule: "approval_mismatch", message });
  }
}
