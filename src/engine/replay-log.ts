import type { AnyEvent } from "../model/event.js";
import type { ClaimedRun } from "./claim-run.js";
import type { Divergence, ReplayMode, ReplayReport } from "../model/replay-report.js";
import type { EngineParts } from "./parts.js";
import type { RecordedAttempt, RecordedFacts } from "./simulated-attempt.js";
import type { RecordedEnd } from "./replay-script.js";
import type { ReplayCast } from "./replay-handlers.js";
import type { RunId, Scope, StepId } from "../model/ids.js";
import type { RunPlan } from "../history/run-plan.js";
import type { RunState } from "../history/run-state.js";
import type { RunHead } from "../model/run.js";
import type { Runbook } from "../model/runbook.js";
import type { Stores } from "../stores/stores.js";
import { REPLAY_RETRY_IN_PROCESS_MS } from "./replay-clock.js";
import { ReplayDrive } from "./replay-drive.js";
import { ReplayHandlers } from "./replay-handlers.js";
import { ReplayScript } from "./replay-script.js";
import { ReplayTally } from "./replay-tally.js";
import { RunLoop } from "./run-loop.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { authorityDivergences } from "../history/compare-authority.js";
import { beginState } from "../history/run-state.js";
import { compareEvents, isDecided, pictureOf } from "../history/compare.js";
import { fold } from "../history/fold.js";
import { invariant } from "../errors/invariant.js";
import { manifestArtifact, manifestOf } from "../history/manifest.js";
import { nextRunHead } from "../history/run-head.js";
import { readJsonArtifact } from "./json-artifact.js";
import { replayEnv, replayStores } from "./replay-world.js";
import { runPlanOf } from "../history/run-plan.js";
import { runStream } from "../model/ids.js";
import { timingDivergences } from "../history/compare-timing.js";

/** Most divergences that a report lists. */
const DIVERGENCES_MAX = 100;

/** A recorded run, and what is at hand to replay it with. */
export interface ReplayRequest {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbook: Runbook;
  /** The log from its first event on. */
  readonly events: readonly AnyEvent[];
  readonly mode: ReplayMode;
  /** Where the artifacts are that the log names: read, never written. */
  readonly artifacts: Pick<Stores["artifacts"], "get">;
  /** The verbs at hand. Those that are missing are checked by nothing and answered from the record. */
  readonly handlers: EngineParts["handlers"];
  readonly env: EngineParts["env"];
  /** How far recorded times may lie outside of what policy allows, milliseconds. */
  readonly toleranceMs: number;
  /** What else is known to be wrong, such as with the approvals that the run spent. */
  readonly found: readonly Divergence[];
}

/**
 * Does a recorded run again and compares: every claim of it from the state that the record had come to, by the same loop, with what came
 * from outside taken from the record.
 *
 * Touches nothing but artifacts, and those only to read them. A log that can't be folded is a divergence, not an error.
 *
 * Cost: that of running without the handlers, and folding the log once for each claim.
 */
export async function replayLog(request: ReplayRequest): Promise<ReplayReport> {
  const { runId, mode, events } = request;
  const plan = runPlanOf(request.runbook);
  const tally = new ReplayTally();
  const found = [
    ...request.found,
    ...submissionDivergences(request),
    ...authorityDivergences(events, plan),
    ...timingDivergences(events, plan, request.toleranceMs),
    ...(await claimDivergences(request, plan, tally)),
    ...tally.divergences,
  ].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
  return Object.freeze({
    runId,
    mode,
    status: found.length === 0 ? "equal" : "diverged",
    divergences: Object.freeze(found.slice(0, DIVERGENCES_MAX)),
    divergenceCount: found.length,
    events: events.length,
    ...tally.counts(),
  });
}

/** What a run was submitted and started with, computed again from its runbook. */
function submissionDivergences({ runbook, events }: ReplayRequest): readonly Divergence[] {
  const submitted = events.find((event) => event.kind === "run.submitted");
  const started = events.find((event) => event.kind === "run.started");
  const found: Divergence[] = [];
  const add = (event: AnyEvent, expected: string, message: string): void => {
    found.push(
      Object.freeze({ kind: "plan", seq: event.seq, stepId: null, expected: pictureOf(event), found: expected, message }),
    );
  };
  if (submitted?.kind !== "run.submitted") return found;
  if (submitted.payload.runbookId !== runbook.id) add(submitted, `runbook "${runbook.id}"`, "the run is one of another runbook");
  if (started?.kind !== "run.started" || started.payload.manifestId === null) return found;
  const { id } = manifestArtifact(manifestOf(runbook, submitted.payload, started.payload.build));
  if (id !== started.payload.manifestId) add(started, `manifest "${id}"`, "the run was started with another manifest");
  return found;
}

/** One claim of a run: its lease, its start or resumption, and what was recorded until the next. */
interface Claim {
  /** Position of `lease.taken` in the log. */
  readonly from: number;
  readonly owner: string;
  readonly leaseMs: number;
  /** Position after `run.started` or `run.resumed`. */
  readonly body: number;
  /** Position after the last event. */
  readonly to: number;
}

/** A claim that ended the run before it started is a decision from outside: nothing is done again. */
function claimsOf(events: readonly AnyEvent[]): readonly Claim[] {
  const claims: Claim[] = [];
  for (const [from, event] of events.entries()) {
    const next = events[from + 1];
    if (event.kind !== "lease.taken" || (next?.kind !== "run.started" && next?.kind !== "run.resumed")) continue;
    const after = events.findIndex((later, position) => position > from && isBeyond(later));
    const { owner, leaseMs } = event.payload;
    claims.push({ from, owner, leaseMs, body: bodyFrom(events, from + 2), to: after < 0 ? events.length : after });
  }
  return claims;
}

/** Nothing that whoever held the run until then has done: the next claim, or the end of a run that was amended. */
function isBeyond(event: AnyEvent): boolean {
  if (event.kind === "step.fenced") return event.payload.reason === "amended";
  return event.kind === "lease.taken" || event.kind === "run.amended";
}

/** What a run takes over from the one that its runbook was made from stands in the commit that starts it. */
function bodyFrom(events: readonly AnyEvent[], from: number): number {
  let body = from;
  for (let at = from; at < events.length; at += 1) {
    const event = events[at];
    if (event?.kind === "run.forked" || isCarried(event)) body = at + 1;
    else if (event?.kind !== "artifact.written") break;
  }
  return body;
}

function isCarried(event: AnyEvent | undefined): boolean {
  return (event?.kind === "step.completed" || event?.kind === "step.in_doubt") && event.payload.attempt === 0;
}

async function noChild(): Promise<never> {
  invariant(false, "a replay drives no children");
}

async function claimDivergences(request: ReplayRequest, plan: RunPlan, tally: ReplayTally): Promise<readonly Divergence[]> {
  const found: Divergence[] = [];
  const cast = castOf(request, tally);
  for (const claim of claimsOf(request.events)) {
    const before = foldedUntil(request, plan, claim.body);
    if ("kind" in before) return [...found, before];
    found.push(...(await replayClaim(request, claim, before, cast)));
  }
  // the end of a log that nobody drove is folded too
  const whole = foldedUntil(request, plan, request.events.length);
  return "kind" in whole ? [...found, whole] : found;
}

interface Folded {
  readonly state: RunState;
  readonly head: RunHead;
}

function foldedUntil({ scope, runId, events }: ReplayRequest, plan: RunPlan, to: number): Folded | Divergence {
  const state = beginState(plan, scope, runId);
  let head: RunHead | null = null;
  for (const event of events.slice(0, to)) {
    try {
      head = nextRunHead(head, event, runId);
      fold(state, event);
    } catch (error) {
      if (!isRunsealError(error)) throw error;
      return brokenAt(event, error);
    }
  }
  if (head !== null) return { state, head };
  throw new RunsealError("run.not_found", `there is no run "${runId}" in scope "${scope}"`, { scope, runId });
}

function brokenAt(event: AnyEvent, error: RunsealError): Divergence {
  const kind = isRunsealError(error, "store.corrupt") && error.details.what === "fact" ? "outcome" : "plan";
  return Object.freeze({ kind, seq: event.seq, stepId: null, expected: pictureOf(event), found: null, message: error.message });
}

async function replayClaim(
  request: ReplayRequest,
  claim: Claim,
  before: Folded,
  cast: ReplayCast,
): Promise<readonly Divergence[]> {
  const { runId, runbook, env, artifacts, events } = request;
  const { state, head } = before;
  const recorded = events.slice(claim.body, claim.to).filter(isDecided);
  const script = new ReplayScript(recorded);
  const drive = new ReplayDrive(script, state, () => env.breathe());
  const handlers = new ReplayHandlers(cast, script, state, drive);
  const world = replayEnv(drive, env);
  const from = { stream: runStream(runId), owner: claim.owner, hasLocks: hadLocks(recorded), artifacts };
  const parts: EngineParts = {
    stores: replayStores(drive, world, from),
    env: world,
    ...handlers.parts(),
    options: {
      leaseMs: claim.leaseMs,
      retryInProcessMs: REPLAY_RETRY_IN_PROCESS_MS,
      // what was appended is told before the next decision
      pendingEventsMax: 1,
      locksMax: locksMaxOf(recorded),
      isUnlocked: !recorded.some((event) => event.kind === "run.failed" && event.payload.code === "lock.required"),
    },
  };
  const run: ClaimedRun = { state, head, owner: claim.owner, runbook, build: {}, storeAheadMs: 0 };
  try {
    const loop = new RunLoop(parts, run, { drain: drive.drain, abandon: drive.abandon.signal }, noChild);
    const end = await loop.run();
    return compareEvents(recorded, drive.events, drive.isStuck || end.kind !== "lost");
  } catch (error) {
    if (!isRunsealError(error)) throw error;
    const expected = recorded[drive.events.length] ?? events[claim.body - 1];
    const broken = Object.freeze({
      kind: "outcome",
      seq: expected?.seq ?? null,
      stepId: null,
      expected: expected === undefined ? null : pictureOf(expected),
      found: `${error.code}: ${error.message}`,
      message: "the replay breaks off",
    } as const);
    return [...compareEvents(recorded, drive.events, false), broken];
  }
}

function castOf(request: ReplayRequest, tally: ReplayTally): ReplayCast {
  const { mode, handlers, runbook, events, env } = request;
  const facts = new Map<string, Extract<AnyEvent, { kind: "fact.recorded" }>>();
  for (const event of events) {
    if (event.kind === "fact.recorded" && !facts.has(event.payload.key)) facts.set(event.payload.key, event);
  }
  const said = saidByStep(events);
  const recordedFacts: RecordedFacts = {
    known: (key) => {
      const fact = facts.get(key);
      return fact === undefined ? undefined : { ...fact.payload, seq: fact.seq };
    },
    load: async ({ payload, payloadRef }) =>
      payloadRef === undefined ? (payload ?? null) : readJsonArtifact(request.artifacts, request.scope, payloadRef),
  };
  return {
    mode,
    handlers,
    contracts: runbook.contracts,
    facts: recordedFacts,
    said: (attempt) => saidIn(said.get(attempt.stepId) ?? [], attempt),
    isTalkative: events.some((event) => event.kind === "domain" || event.kind === "progress"),
    resultOf: (end) => resultOf(request, end),
    sleep: (ms, signal) => env.sleep(ms, signal),
    tally,
  };
}

/** Events that handlers caused while they ran, by step; in order. */
function saidByStep(events: readonly AnyEvent[]): ReadonlyMap<StepId, readonly AnyEvent[]> {
  const byStep = new Map<StepId, AnyEvent[]>();
  for (const event of events) {
    const stepId = event.kind === "step.entered" ? event.payload.stepId : isDecided(event) ? undefined : speakerOf(event);
    if (stepId === undefined) continue;
    const said = byStep.get(stepId);
    if (said === undefined) byStep.set(stepId, [event]);
    else said.push(event);
  }
  return byStep;
}

/** What came from the handler of one attempt. */
function saidIn(ofStep: readonly AnyEvent[], { attempt, end }: Omit<RecordedAttempt, "said">): readonly AnyEvent[] {
  const entered = ofStep.findLast((event) => event.kind === "step.entered" && event.payload.attempt === attempt);
  return ofStep.filter(({ kind, seq }) => kind !== "step.entered" && seq > (entered?.seq ?? 0) && seq < end.event.seq);
}

/** The step whose handler an event came from. */
function speakerOf(event: AnyEvent): StepId | undefined {
  switch (event.kind) {
    case "fact.recorded":
    case "artifact.written": {
      const stepId = event.payload.meta?.["stepId"];
      return typeof stepId === "string" ? stepId : undefined;
    }
    case "domain":
    case "progress":
      return event.payload.stepId ?? undefined;
    default:
      return undefined;
  }
}

async function resultOf(request: ReplayRequest, { event }: RecordedEnd): Promise<unknown> {
  if (event.kind !== "step.completed") return null;
  const { result, resultRef } = event.payload;
  return resultRef === undefined ? (result ?? null) : readJsonArtifact(request.artifacts, request.scope, resultRef);
}

/** Whether the run was driven over stores that lock; without locks there is nothing to give back. */
function hadLocks(events: readonly AnyEvent[]): boolean {
  return events.some((event) => {
    if (event.kind === "lock.acquired") return event.payload.locks.length > 0;
    return event.kind === "lock.contended" || event.kind === "lock.lost" || event.kind === "lock.released";
  });
}

/** The bound that a run was refused by; it is an option of the instance, and stands in the message alone. */
function locksMaxOf(events: readonly AnyEvent[]): number {
  const refused = events.find((event) => event.kind === "run.failed" && event.payload.code === "lock.too_many");
  const told = refused?.kind === "run.failed" ? /more than (\d+)/.exec(refused.payload.message)?.[1] : undefined;
  return told === undefined ? Number.MAX_SAFE_INTEGER : Number(told);
}
