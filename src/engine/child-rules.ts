import type { JsonValue } from "../json/value.js";
import type { RunPlan } from "../history/run-plan.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookId } from "../model/ids.js";
import type { SealedStep } from "../model/step.js";
import { RunsealError } from "../errors/error.js";
import { checkFactKey } from "../io/fact-key.js";
import { entityText } from "./prepare-step.js";
import { isRunbookId } from "../model/ids.js";

/** Deepest nesting of child runs. */
const DEPTH_MAX = 8;

/**
 * Refuses a child that the step may not have: the parent's approval covers a child because its id stands in the sealed arguments, and the step
 * is called again when the child goes on after a rest, so it must bear that.
 *
 * @throws {@link RunsealError} `child.refused`, `io.invalid_fact_key`
 */
export function assertChildAllowed(
  step: SealedStep,
  runbookId: unknown,
  key: unknown,
  depth: number,
): asserts runbookId is RunbookId {
  checkFactKey(key);
  if (!isRunbookId(runbookId)) throw refused(step, "the id of a runbook is rb_ and 64 hexadecimal digits");
  if (step.effect === "pure") throw refused(step, "a pure verb has no children; make it a verb that reads or writes");
  if (step.effect === "write" && step.recovery !== "idempotent") {
    throw refused(
      step,
      `a verb with recovery "${step.recovery ?? "manual"}" has no children: it is called again when the child goes on`,
    );
  }
  if (!occurs(step.args, runbookId)) {
    throw refused(step, `"${runbookId}" is none of the sealed arguments, so nobody approved it; pass the id as an argument`);
  }
  if (depth > DEPTH_MAX) throw refused(step, `children of children go ${DEPTH_MAX} levels deep at most`);
}

/**
 * Refuses a child that touches what its parent's sealed write-set does not name (decision 3.5).
 *
 * @throws {@link RunsealError} `write.undeclared` naming the entity
 */
export function assertCovered(plan: RunPlan, step: SealedStep, child: Runbook): void {
  const writes = new Set(plan.steps.flatMap((each) => each.writes.map(entityText)));
  const reads = new Set(plan.steps.flatMap((each) => each.reads.map(entityText)));
  const lateKinds = new Set(plan.steps.flatMap((each) => each.lateWrites.map(({ kind }) => kind)));
  for (const each of child.steps) {
    const beyond =
      each.writes.find((entity) => !writes.has(entityText(entity))) ??
      each.reads.find((entity) => !writes.has(entityText(entity)) && !reads.has(entityText(entity)));
    const lateBeyond = each.lateWrites.find(({ kind }) => !lateKinds.has(kind));
    const kind = beyond?.kind ?? lateBeyond?.kind;
    if (kind === undefined) continue;
    const id = beyond?.id ?? null;
    const message = `"${each.id}" of the child "${child.id}" touches ${kind} "${id ?? "*"}", which the parent's sealed write-set does not name`;
    throw new RunsealError("write.undeclared", message, { stepId: step.id, kind, id });
  }
}

function occurs(tree: unknown, text: string): boolean {
  const open: unknown[] = [tree];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (part === text) return true;
    if (typeof part === "object" && part !== null) open.push(...Object.values(part as { readonly [key: string]: JsonValue }));
  }
  return false;
}

function refused(step: SealedStep, why: string): RunsealError<"child.refused"> {
  return new RunsealError("child.refused", `step "${step.id}" may not have this child: ${why}`, { stepId: step.id });
}
