import type { HandlerEntry } from "../model/handler-entry.js";
import type { Identification } from "./principal.js";
import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { RunId, StepId } from "../model/ids.js";
import type { RunView, StepState } from "../model/run.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { cancelMessage, decisionMessage, pauseMessage, signalMessage } from "../engine/inbox-message.js";
import { cleanText, knownIn } from "../engine/keep-secret.js";
import { copyCanonical } from "../json/copy.js";
import { endQueuedRun } from "../engine/claim-run.js";
import { identify } from "./principal.js";
import { assertOpen, putMessage, runTerminal } from "./put-message.js";
import { isTerminal } from "../history/run-head.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { resume } from "./execute.js";
import { shown } from "./shown.js";
import { statusOf } from "./inspect.js";

/**
 * Puts a signal into a run's inbox. Where a step already waits for the key, the payload must fit its verb's result schema.
 *
 * @throws {@link RunsealError} `run.not_found`, `run.terminal`, `signal.conflict` for another payload under the same key,
 *   `signal.invalid` for one that does not fit, `signal.too_many`
 */
export async function signal(parts: InstanceParts, runId: RunId, key: string, payload: unknown): Promise<void> {
  if (typeof key !== "string" || key === "" || key.length > 200) {
    throw new RunsealError("signal.invalid", "a signal's key is a string of 1 to 200 characters", {
      runId,
      key: shown(key),
      issues: ["key"],
    });
  }
  const value = copyCanonical(payload ?? null);
  await assertOpen(parts, runId);
  const waiting = (await statusOf(parts, runId)).steps.find((step) => step.wait?.key === key);
  if (waiting !== undefined) await assertFits(parts, runId, waiting, key, value);
  await putMessage(parts, signalMessage(parts.scope, runId, key, value), key);
}

/** What {@link decide} takes. */
export interface DecisionRequest extends Identification {
  readonly verdict: "approve" | "reject";
  /** The step's result, where the verb has no handler. */
  readonly payload?: unknown;
  readonly note?: string;
}

/**
 * Records a person's decision on a step that waits for one.
 *
 * @throws {@link RunsealError} `admission.unauthenticated`, `step.not_waiting` when the step waits for no decision,
 *   `signal.invalid` for a payload that does not fit the result schema, `signal.conflict` when somebody decided otherwise before,
 *   `run.not_found`, `run.terminal`
 */
export async function decide(parts: InstanceParts, runId: RunId, stepId: StepId, request: DecisionRequest): Promise<void> {
  const principal = await identify(parts.authenticate, request, "decide");
  const { verdict } = request;
  if (!isVerdict(verdict)) {
    throw new RunsealError("signal.invalid", '"verdict" must be "approve" or "reject"', {
      runId,
      key: stepId,
      issues: ["verdict"],
    });
  }
  await assertOpen(parts, runId);
  const step = await waitingStep(parts, runId, stepId);
  const payload = request.payload === undefined ? undefined : copyCanonical(request.payload);
  if (verdict === "approve") await assertDecisionFits(parts, runId, step, payload);
  const { issuer, subject, vouchedBy } = principal;
  const decision = {
    verdict,
    issuer,
    subject,
    vouchedBy,
    ...(payload === undefined ? {} : { payload }),
    ...(request.note === undefined ? {} : { note: request.note }),
  };
  await putMessage(parts, decisionMessage(parts.scope, runId, stepId, decision), stepId);
}

/**
 * Asks a run to end. A run that nobody drives is ended here.
 *
 * @throws {@link RunsealError} `run.not_found`, `run.terminal`
 */
export async function cancel(parts: InstanceParts, runId: RunId, why: string): Promise<void> {
  const head = await readRunHead(parts, runId);
  if (isTerminal(head.run.status)) throw runTerminal(runId, head.run.status);
  const reason = cleanText(why, knownIn(parts.engine, parts.scope));
  if (head.run.status === "queued") {
    const refusal = await endQueuedRun(parts.engine, {
      scope: parts.scope,
      runId,
      ending: { kind: "canceled", reason, by: null },
    });
    if (refusal === undefined) return;
  }
  await putMessage(parts, cancelMessage(parts.scope, runId, { reason, by: null }), "cancel");
  await nudge(parts, runId);
}

/**
 * Asks a run to park at its next step boundary; `resume` goes on with it.
 *
 * @throws {@link RunsealError} `run.not_found`, `run.terminal`
 */
export async function pause(parts: InstanceParts, runId: RunId): Promise<void> {
  await assertOpen(parts, runId);
  await putMessage(parts, pauseMessage(parts.scope, runId, { by: null, nonce: parts.engine.env.uuid() }), "pause");
}

function isVerdict(verdict: unknown): verdict is "approve" | "reject" {
  return verdict === "approve" || verdict === "reject";
}

/** Lets a run that nobody drives read its inbox; who holds it reads it anyway. */
async function nudge(parts: InstanceParts, runId: RunId): Promise<void> {
  try {
    await resume(parts, runId, "wake");
    await parts.active.get(runId)?.end;
  } catch (error) {
    // a living owner reads the message itself; an instance that can't carry the run on leaves it to one that can
    if (!isRunsealError(error)) throw error;
  }
}

async function waitingStep(parts: InstanceParts, runId: RunId, stepId: StepId): Promise<StepState> {
  const view: RunView = await statusOf(parts, runId);
  const step = view.steps.find((candidate) => candidate.stepId === stepId);
  if (step?.wait?.reason === "human_gate") return step;
  const waiting = view.steps
    .filter((candidate) => candidate.wait?.reason === "human_gate")
    .map((candidate) => `"${candidate.stepId}"`);
  const others = waiting.length === 0 ? "no step of this run does" : `these do: ${waiting.join(", ")}`;
  throw new RunsealError("step.not_waiting", `step "${stepId}" waits for no decision; ${others}`, { runId, stepId });
}

async function entryOf(parts: InstanceParts, runId: RunId, step: StepState): Promise<HandlerEntry | undefined> {
  const head = await readRunHead(parts, runId);
  const runbook = await readRunbook(parts, head.run.runbookId);
  const sealed = runbook.steps.find((candidate) => candidate.id === step.stepId);
  return sealed === undefined ? undefined : parts.table.entry(sealed.verb);
}

async function assertDecisionFits(
  parts: InstanceParts,
  runId: RunId,
  step: StepState,
  payload: JsonValue | undefined,
): Promise<void> {
  const entry = await entryOf(parts, runId, step);
  if (entry === undefined || entry.run !== undefined) return; // the handler makes the result
  await assertFits(parts, runId, step, step.stepId, payload ?? null);
}

async function assertFits(parts: InstanceParts, runId: RunId, step: StepState, key: string, payload: JsonValue): Promise<void> {
  const result = (await entryOf(parts, runId, step))?.parseResult(payload);
  if (result === undefined || result.ok) return;
  throw new RunsealError(
    "signal.invalid",
    `the payload does not fit what step "${step.stepId}" gives: ${result.issues.join("; ")}`,
    { runId, key, issues: result.issues },
  );
}
