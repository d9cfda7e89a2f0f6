import type { AnyEvent, EventPayload } from "../model/event.js";
import type { RunProblem } from "./run-problem.js";
import type { SealedStep } from "../model/step.js";
import type { StepId } from "../model/ids.js";
import { isUuid } from "../json/uuid.js";

/** What the handlers of a run declared to write, held against what was sealed. */
export interface WriteFindings {
  /** Declared writes outside the sealed write-set of their step. */
  readonly problems: readonly RunProblem[];
  /** Writing steps that completed and never called `ctx.writes`: what they wrote is not known. In order of completion. */
  readonly unobserved: readonly StepId[];
}

/**
 * Checks that every write that a handler declared (`ctx.writes`) lay in the sealed write-set of its step: among its writes, or, for
 * an id learnt while running, of a kind that was sealed as a late write and locked before the step completed (decisions 2.9, 3.17).
 *
 * Where nothing at all was locked the run had no lock manager, and the kind alone counts.
 *
 * Cost: linear in events, sealed writes and locks.
 */
export function writeFindings(steps: readonly SealedStep[], events: readonly AnyEvent[]): WriteFindings {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const locked = new Set<string>();
  const wasLocked = events.some((event) => event.kind === "lock.acquired" && event.payload.locks.length > 0);
  const problems: RunProblem[] = [];
  const unobserved: StepId[] = [];
  for (const event of events) {
    if (event.kind === "lock.acquired") for (const lock of event.payload.locks) addWriteLock(locked, lock);
    if (event.kind !== "step.completed") continue;
    const step = byId.get(event.payload.stepId);
    if (step === undefined) continue;
    if (step.effect === "write" && event.payload.declared.length === 0) unobserved.push(step.id);
    // what a step brought along from another run was locked there
    const needsLock = wasLocked && event.payload.by === undefined;
    const isLate = (text: string): boolean => !needsLock || locked.has(text);
    for (const write of outside(step, event.payload, isLate)) {
      const message = `step "${step.id}" declared to write "${write}", which its sealed write-set does not have`;
      problems.push({ seq: event.seq, rule: "write_outside_set", message });
    }
  }
  return { problems, unobserved };
}

function outside(
  step: SealedStep,
  { declared }: EventPayload<"step.completed">,
  isLate: (text: string) => boolean,
): readonly string[] {
  const sealed = new Set(step.writes.map(({ kind, id }) => entityText(kind, id)));
  const lateKinds = new Set(step.lateWrites.map(({ kind }) => kind));
  return declared.filter((write) => {
    const { kind, text } = entityOf(write);
    return !sealed.has(text) && !(lateKinds.has(kind) && isLate(text));
  });
}

const WRITE_LOCK = "write ";

function addWriteLock(locked: Set<string>, lock: string): void {
  if (lock.startsWith(WRITE_LOCK)) locked.add(entityOf(lock.slice(WRITE_LOCK.length)).text);
}

/** Reads `kind:id`; kinds have no colon. */
function entityOf(written: string): { readonly kind: string; readonly text: string } {
  const colon = written.indexOf(":");
  const kind = written.slice(0, Math.max(0, colon));
  return { kind, text: entityText(kind, written.slice(colon + 1)) };
}

/** One text per entity, as locks know it: a UUID names the same one under every kind and in any case. */
function entityText(kind: string, id: string): string {
  return isUuid(id) ? id.toLowerCase() : [kind, id].join(":");
}
