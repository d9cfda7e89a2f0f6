import type { EventDraft } from "../model/event.js";
import type { EngineParts, Recall } from "./parts.js";
import type { HandlerEntry } from "../model/handler-entry.js";
import type { IoAttempt } from "../io/live-io.js";
import type { IoProvider } from "../io/provider.js";
import type { RecordedAttempt, RecordedFacts } from "./simulated-attempt.js";
import type { RecordedEnd, ReplayScript } from "./replay-script.js";
import type { ReplayDrive } from "./replay-drive.js";
import type { ReplayMode } from "../model/replay-report.js";
import type { ReplayTally } from "./replay-tally.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import type { StepContext } from "../model/step-context.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import { SimulatedAttempt } from "./simulated-attempt.js";
import { copyCanonical } from "../json/copy.js";
import { invariant, present } from "../errors/invariant.js";
import { keyOf, recordedFailure } from "./replay-script.js";
import { recordOf } from "../history/run-state.js";
import { verbRef } from "../model/verb.js";

/** What answers attempts while one claim is replayed. */
export interface ReplayCast {
  readonly mode: ReplayMode;
  /** The handlers at hand; what is missing is made up from the contracts that were sealed. */
  readonly handlers: EngineParts["handlers"];
  readonly contracts: readonly VerbContract[];
  readonly facts: RecordedFacts;
  /** What the record has of an attempt between its entry and its end. */
  readonly said: (attempt: Omit<RecordedAttempt, "said">) => RecordedAttempt["said"];
  /** Whether the run recorded what handlers said of themselves. */
  readonly isTalkative: boolean;
  /** The result of a recorded completion, read where it is an artifact. */
  readonly resultOf: (end: RecordedEnd) => Promise<unknown>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly tally: ReplayTally;
}

/** Who answers the attempts of a replay: the record, or, where that can do no harm, the handler. */
export class ReplayHandlers {
  readonly #cast: ReplayCast;
  readonly #script: ReplayScript;
  readonly #state: RunState;
  readonly #drive: ReplayDrive;
  readonly #attempts = new Map<string, SimulatedAttempt>();
  readonly #entries = new Map<VerbRef, HandlerEntry | undefined>();

  constructor(cast: ReplayCast, script: ReplayScript, state: RunState, drive: ReplayDrive) {
    this.#cast = cast;
    this.#script = script;
    this.#state = state;
    this.#drive = drive;
  }

  /** The parts of an engine that are about handlers. */
  parts(): Pick<EngineParts, "handlers" | "recall" | "openIo" | "overhear" | "eventProfile"> {
    return {
      handlers: (ref) => this.#entry(ref),
      recall: (record, question) => this.#recall(record, question),
      openIo: (at) => this.#io(at),
      overhear: (events) => this.#hear(events),
      eventProfile: "normal",
    };
  }

  #recall(record: StepRecord, question: "run" | "reconcile"): Recall | undefined {
    const { step, attempt } = record;
    const end = this.#script.endOf(step.id, attempt, this.#drive.position, question);
    if (end !== undefined && question === "run" && this.#isSimulated(record, end)) return undefined;
    if (end !== undefined) this.#countRecorded();
    return this.#drive.recall(record, end);
  }

  #countRecorded(): void {
    this.#cast.tally.fromRecord += 1;
    if (this.#cast.mode === "re_simulate") this.#cast.tally.notSimulated += 1;
  }

  /** Only what changes nothing is called again, and only where the record says how it ended by itself (decision 3.17). */
  #isSimulated({ step }: StepRecord, { event }: RecordedEnd): boolean {
    if (this.#cast.mode !== "re_simulate" || event.kind === "step.in_doubt" || event.kind === "step.parked") return false;
    if (event.kind === "step.failed" && event.payload.code === "step.timeout") return false;
    const entry = this.#cast.handlers(step.verb);
    if (entry?.run === undefined || entry.contract.effect !== step.effect) return false;
    return step.effect === "pure" || (step.effect === "read" && entry.contract.replayable);
  }

  #entry(ref: VerbRef): HandlerEntry | undefined {
    if (!this.#entries.has(ref)) this.#entries.set(ref, this.#makeEntry(ref));
    return this.#entries.get(ref);
  }

  /** An entry without the handlers themselves: they are out of the loop's reach. */
  #makeEntry(ref: VerbRef): HandlerEntry | undefined {
    if (this.#wasMissing(ref)) return undefined;
    const own = this.#cast.handlers(ref) ?? this.#sealedEntry(ref);
    if (own === undefined) return undefined;
    const { contract } = own;
    const checks: HandlerEntry = {
      contract,
      parseArgs: (value) => own.parseArgs(value),
      parseResult: (value) => own.parseResult(value),
    };
    if (this.#wasGivenByPeople(ref, own)) return checks;
    return { ...checks, run: (args, context) => this.#run(own, args, context), reconcile: neverAsked };
  }

  #sealedEntry(ref: VerbRef): HandlerEntry | undefined {
    const contract = this.#cast.contracts.find((known) => verbRef(known) === ref);
    if (contract === undefined) return undefined;
    return {
      contract,
      parseArgs: (value) => ({ ok: true, value: copyCanonical(value) }),
      parseResult: (value) => ({ ok: true, value: copyCanonical(value) }),
    };
  }

  #wasMissing(ref: VerbRef): boolean {
    return this.#script.events.some(
      (event) =>
        event.kind === "step.failed" &&
        event.payload.code === "admission.handler_missing" &&
        recordOf(this.#state, event.payload.stepId)?.step.verb === ref,
    );
  }

  /** A gate without a handler takes its result from the decision; the record shows which kind it was. */
  #wasGivenByPeople(ref: VerbRef, own: HandlerEntry): boolean {
    const gates = new Set(
      this.#state.steps.filter(({ step }) => step.verb === ref && step.mode === "human_gate").map(({ step }) => step.id),
    );
    if (gates.size === 0) return false;
    for (const event of this.#script.events) {
      if (event.kind === "step.completed" && gates.has(event.payload.stepId)) return event.payload.by === "decision";
      if (event.kind === "step.failed" && gates.has(event.payload.stepId) && event.payload.code === "signal.invalid") return true;
    }
    return own.run === undefined;
  }

  async #run(entry: HandlerEntry, args: unknown, context: StepContext): Promise<unknown> {
    const { stepId, attempt } = context;
    const record = present(recordOf(this.#state, stepId), "a handler is called for a step of the run");
    const end = this.#script.endOf(stepId, attempt, this.#drive.position, "run");
    invariant(end !== undefined && this.#isSimulated(record, end), "only what changes nothing is called again");
    if (entry.contract.effect === "pure") this.#cast.tally.pureCalls += 1;
    else this.#cast.tally.readCalls += 1;
    const of = { stepId, attempt, end };
    const simulated = new SimulatedAttempt({ ...of, said: this.#cast.said(of) }, this.#cast.facts);
    this.#attempts.set(keyOf(stepId, attempt), simulated);
    const answer = settled(async () => entry.run?.(args, context));
    return new Promise((resolve, reject) => {
      // whoever stopped the run does not wait for an answer
      context.signal.addEventListener("abort", () => resolve(undefined), { once: true });
      this.#drive.wait(end, async () => {
        const how = await this.#bounded(answer, record.step.timeoutMs);
        this.#drive.clock.aim(record, end);
        await this.#judge(simulated, end, how).then(resolve, reject);
      });
    });
  }

  /** What a handler came to, as the loop is to see it. */
  async #judge(attempt: SimulatedAttempt, end: RecordedEnd, how: Settled): Promise<unknown> {
    const { tally, isTalkative } = this.#cast;
    if (attempt.isUnanswered && end.event.kind === "step.failed") {
      // the world failed the handler then, and can't now
      this.#countRecorded();
      const failed: Settled = { kind: "threw", error: recordedFailure(end.event) };
      throw failed.error;
    }
    tally.simulated += 1;
    attempt.reportUnanswered(tally);
    if (attempt.isUnanswered && how.kind === "threw") return this.#cast.resultOf(end);
    attempt.report(tally, isTalkative);
    if (how.kind === "threw") throw how.error;
    return how.value;
  }

  /** A handler that hangs now is given as long as the live one had. */
  async #bounded(answer: Promise<Settled>, timeoutMs: number): Promise<Settled> {
    const done = new AbortController();
    const late = this.#cast.sleep(timeoutMs, done.signal).then((): Settled => ({ kind: "threw", error: tooLong(timeoutMs) }));
    const how = await Promise.race([answer, late]);
    done.abort();
    return how;
  }

  #io({ stepId, attempt }: IoAttempt): IoProvider {
    return present(this.#attempts.get(keyOf(stepId, attempt)), "only handlers that are called again reach for the world").io;
  }

  #hear(events: readonly EventDraft[]): void {
    for (const event of events) {
      const stepId = stepOf(event);
      const record = stepId === undefined ? undefined : recordOf(this.#state, stepId);
      if (record !== undefined) this.#attempts.get(keyOf(record.step.id, record.attempt))?.hear([event]);
    }
  }
}

async function neverAsked(): Promise<never> {
  invariant(false, "a replay asks no verb whether its effect happened");
}

type Settled = { readonly kind: "returned"; readonly value: unknown } | { readonly kind: "threw"; readonly error: unknown };

async function settled(call: () => Promise<unknown>): Promise<Settled> {
  try {
    return { kind: "returned", value: await call() };
  } catch (error) {
    return { kind: "threw", error };
  }
}

function tooLong(timeoutMs: number): { readonly code: string; readonly category: string; readonly message: string } {
  return { code: "step.timeout", category: "timeout", message: `the handler had not ended after ${timeoutMs} ms` };
}

function stepOf(event: EventDraft): string | undefined {
  if (event.kind === "domain" || event.kind === "progress") return event.payload.stepId ?? undefined;
  if (event.kind !== "artifact.written") return undefined;
  const stepId = event.payload.meta?.["stepId"];
  return typeof stepId === "string" ? stepId : undefined;
}
