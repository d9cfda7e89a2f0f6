import type { AnyEvent, EventDraft } from "../model/event.js";
import type { Basis, BasisStep } from "../model/envelope.js";
import type { EngineParts } from "./parts.js";
import type { HandedOn } from "../history/handed-on.js";
import type { Runbook } from "../model/runbook.js";
import type { Digest, RunId, Scope } from "../model/ids.js";
import type { StreamWrite } from "../stores/event-store.js";
import { RunsealError } from "../errors/error.js";
import { carriedDigestOf } from "../model/carried-digest.js";
import { endAmended } from "./end-amended.js";
import { eventOf } from "../history/read-event.js";
import { handedOn } from "../history/handed-on.js";
import { namedBytes } from "./json-artifact.js";
import { readResult } from "./read-result.js";
import { runStream } from "../model/ids.js";

/** What the start of a run does besides starting it, where its runbook was made from another run. */
export interface TakeOver {
  /** Follow `run.started`. */
  readonly events: readonly EventDraft[];
  /** Ends the run that is amended, in the same commit; absent when there is none, or it was ended for this runbook before. */
  readonly end?: StreamWrite;
}

const NOTHING: TakeOver = { events: [] };

/**
 * Takes over from a run what a runbook was sealed with: results of carried steps, doubts, and, for `amend`, the place of that run
 * (decision 3.18). Every result is held against its sealed digest.
 *
 * Cost: one read of that run's log, and of the large results among those that are carried.
 *
 * @throws {@link RunsealError} `store.corrupt` when the run no longer says what was sealed; `admission.plan_stale` when a run that is
 *   amended has gone on since
 */
export async function takeOver(parts: EngineParts, scope: Scope, runId: RunId, runbook: Runbook): Promise<TakeOver> {
  const { basis } = runbook.content.core;
  if (basis === undefined || basis.kind === "undo") return NOTHING;
  const source = await readEvents(parts, scope, basis.runId);
  const events: EventDraft[] = basis.kind === "fork" ? [forked(basis, source)] : [];
  const handed = handedOn(source);
  for (const step of basis.steps ?? []) events.push(...(await takenOver(parts, scope, basis, step, handed)));
  const end = basis.kind === "amend" ? await endAmended(parts, scope, basis, { runId, runbookId: runbook.id }) : undefined;
  return end === undefined ? { events } : { events, end };
}

async function readEvents(parts: EngineParts, scope: Scope, runId: RunId): Promise<readonly AnyEvent[]> {
  const events: AnyEvent[] = [];
  for await (const stored of parts.stores.reader.read(scope, runStream(runId))) events.push(eventOf(stored));
  return events;
}

/** Stands in the log of the new run: the other one may have ended, and nothing follows its end (D-064). */
function forked({ runId, from }: Basis, source: readonly AnyEvent[]): EventDraft {
  const [first] = source;
  const runbookId = first?.kind === "run.submitted" ? first.payload.runbookId : "";
  return { kind: "run.forked", payload: { runbookId, runId, from } };
}

async function takenOver(
  parts: EngineParts,
  scope: Scope,
  basis: Basis,
  step: BasisStep,
  handed: HandedOn,
): Promise<readonly EventDraft[]> {
  switch (step.as) {
    case "completed":
      return carried(parts, scope, basis, step, handed);
    case "in_doubt":
      return [doubted(basis, step, handed)];
    case "entered":
      return [];
  }
}

async function carried(
  parts: EngineParts,
  scope: Scope,
  basis: Basis,
  { stepId, digest }: BasisStep,
  handed: HandedOn,
): Promise<readonly EventDraft[]> {
  const left = handed.completed.get(stepId);
  if (left === undefined) throw changed(basis, stepId);
  const { value, artifact } = await readResult(parts, scope, left);
  const { delta, result, resultRef, declared } = left;
  if (carriedDigestOf(value, delta) !== digest) throw changed(basis, stepId);
  const completed: EventDraft = {
    kind: "step.completed",
    payload: {
      stepId,
      attempt: 0,
      declared,
      by: "carried",
      ...(delta !== undefined && { delta }),
      ...(result !== undefined && { result }),
      ...(resultRef !== undefined && { resultRef }),
    },
  };
  // named again, so that the log of this run is whole without the other one
  const events: EventDraft[] = artifact === null ? [] : [written(artifact.id, "result", artifact.bytes)];
  if (typeof delta?.["ref"] === "string") {
    const bytes = await namedBytes(parts.stores.artifacts, scope, delta["ref"]);
    events.push(written(delta["ref"], "context_delta", bytes.byteLength));
  }
  return [...events, completed];
}

function written(artifactId: Digest, kind: string, bytes: number): EventDraft {
  return { kind: "artifact.written", payload: { artifactId, kind, bytes } };
}

function doubted({ runId }: Basis, { stepId }: BasisStep, handed: HandedOn): EventDraft {
  const known = handed.inDoubt.get(stepId);
  const reason =
    known === undefined
      ? `run "${runId}" had sent it off and waited for the answer when it was amended`
      : `taken over from run "${runId}": ${known.reason}`;
  const { recovery = "manual", rawRef } = known ?? {};
  return {
    kind: "step.in_doubt",
    payload: { stepId, attempt: 0, recovery, reason, by: "carried", ...(rawRef !== undefined && { rawRef }) },
  };
}

function changed({ runId }: Basis, stepId: string): RunsealError<"store.corrupt"> {
  const message = `run "${runId}" no longer has the result of "${stepId}" that was sealed`;
  return new RunsealError("store.corrupt", message, { what: "event", id: runStream(runId), seq: null });
}
