import type { AnyEvent } from "../model/event.js";
import type { Digest, RunbookId, RunId, StepId } from "../model/ids.js";
import type { Doubts, RecordedDoubt } from "../history/doubts.js";
import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { Recovery, VerbRef } from "../model/verb.js";
import type { RunHead } from "../model/run.js";
import type { RunPlan } from "../history/run-plan.js";
import { beginState } from "../history/run-state.js";
import { doubtKeyOf } from "../engine/inbox-message.js";
import { eventOf } from "../history/read-event.js";
import { foldDoubts } from "../history/doubts.js";
import { idempotencyKeyOf } from "../engine/step-keys.js";
import { openRuns } from "./open-runs.js";
import { present } from "../errors/invariant.js";
import { readJsonArtifact } from "../engine/json-artifact.js";
import { readRunbook } from "./find-runbook.js";
import { runPlanOf } from "../history/run-plan.js";
import { runStream } from "../model/ids.js";

/** A writing step of which nobody knows whether its effect happened: a person must say (decision 3.11). */
export interface Doubt {
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  readonly stepId: StepId;
  readonly verb: VerbRef;
  /** The attempt in doubt; 0 where the doubt was taken over by amending another run. */
  readonly attempt: number;
  /** What happened, for a person. */
  readonly reason: string;
  readonly recovery: Recovery;
  /** When it was recorded, milliseconds since the epoch, by the store's clock. */
  readonly since: number;
  /** What the attempt called its service under: look it up there. */
  readonly idempotencyKey: string;
  /** Where the handler did return, with something that could not be stored: the artifact with a picture of it. */
  readonly rawRef?: Digest;
  /** That picture; what is no JSON is named in brackets, and secrets are taken out. */
  readonly raw?: JsonValue;
  /** Somebody has said what happened, and nobody has gone on with the run since. */
  readonly isDecided: boolean;
}

/**
 * Every step in doubt of the scope's open runs: newest run first, the steps of a run in plan order.
 *
 * Cost: reads the log of each run that is running, paused, or parked in doubt.
 *
 * @throws {@link RunsealError} `store.corrupt`
 */
export async function doubts(parts: InstanceParts): Promise<readonly Doubt[]> {
  const found: Doubt[] = [];
  for await (const head of openRuns(parts, ["running", "parked"])) {
    if (mayBeInDoubt(head.run)) found.push(...(await doubtsOfRun(parts, head.run)));
  }
  return found;
}

/** A run that is parked for another reason has no doubt: it would have been the reason. */
function mayBeInDoubt({ status, reason }: RunHead): boolean {
  return status === "running" || reason === "in_doubt" || reason === "paused";
}

async function doubtsOfRun(parts: InstanceParts, run: RunHead): Promise<readonly Doubt[]> {
  const plan = runPlanOf(await readRunbook(parts, run.runbookId));
  const { open } = await readDoubts(parts, run.runId, plan);
  const decided = open.length === 0 ? new Set<string>() : await decisionsWaiting(parts, run.runId);
  const made: Doubt[] = [];
  for (const recorded of open) made.push(await doubtOf(parts, plan, run, recorded, decided));
  return made;
}

/** The doubts of one run, by its log. */
export async function readDoubts(parts: InstanceParts, runId: RunId, plan: RunPlan): Promise<Doubts> {
  const events: AnyEvent[] = [];
  for await (const stored of parts.stores.reader.read(parts.scope, runStream(runId))) events.push(eventOf(stored));
  return foldDoubts(beginState(plan, parts.scope, runId), events);
}

async function decisionsWaiting(parts: InstanceParts, runId: RunId): Promise<ReadonlySet<string>> {
  const pending = await parts.stores.inbox.pending(parts.scope, runId);
  return new Set(pending.map((entry) => entry.key));
}

async function doubtOf(
  parts: InstanceParts,
  plan: RunPlan,
  { runId, runbookId }: RunHead,
  recorded: RecordedDoubt,
  decided: ReadonlySet<string>,
): Promise<Doubt> {
  const { stepId, attempt, reason, since, rawRef } = recorded;
  const step = present(plan.steps[plan.positions.get(stepId) ?? -1], "a step in doubt is one of the runbook");
  return Object.freeze({
    runId,
    runbookId,
    stepId,
    verb: step.verb,
    attempt,
    reason,
    recovery: recorded.recovery === "reconcile" ? ("reconcile" as const) : ("manual" as const),
    since,
    idempotencyKey: idempotencyKeyOf(parts.scope, plan.keyRuns.get(stepId) ?? runId, stepId),
    ...(rawRef !== undefined && { rawRef, raw: await readJsonArtifact(parts.stores.artifacts, parts.scope, rawRef) }),
    isDecided: decided.has(doubtKeyOf(stepId, attempt)),
  });
}
