import type { EntityRef } from "../model/write-set.js";
import type { Runbook } from "../model/runbook.js";
import type { ChangedStep, RunbookDiff } from "./runbook-diff.js";
import type { StepId } from "../model/ids.js";
import type { SealedStep } from "../model/step.js";
import { canonicalize } from "../json/canonical.js";
import { diffText } from "./diff-text.js";
import { lockKeyOf } from "../history/lock-requests.js";
import { movedIn } from "./moved.js";
import { touchedBy } from "./touched.js";

export type { RunbookDiff } from "./runbook-diff.js";

/**
 * Tells what changes from one runbook to another.
 *
 * @remarks Time O(text + n log n).
 */
export function diffRunbooks(a: Runbook, b: Runbook): RunbookDiff {
  const stepsA = new Map(a.steps.map((step) => [step.id, step]));
  const stepsB = new Map(b.steps.map((step) => [step.id, step]));
  const common = b.steps.filter((step) => stepsA.has(step.id)).map((step) => step.id);
  const parts = {
    a: a.id,
    b: b.id,
    isSame: a.id === b.id,
    added: b.steps.filter((step) => !stepsA.has(step.id)).map((step) => step.id),
    removed: a.steps.filter((step) => !stepsB.has(step.id)).map((step) => step.id),
    changed: common.flatMap((id) => changeOf(id, stepsA.get(id), stepsB.get(id))),
    reordered: movedIn(
      a.steps.map((step) => step.id),
      common,
    ),
    ...writesOf(a, b),
    execution: membersThatDiffer(a.content.execution, b.content.execution),
    core: coreOf(a, b),
    document: membersThatDiffer(a.document, b.document),
  };
  return { ...parts, text: diffText(parts, stepsA, stepsB) };
}

function changeOf(id: StepId, a: SealedStep | undefined, b: SealedStep | undefined): readonly ChangedStep[] {
  const members = a === undefined || b === undefined ? [] : membersThatDiffer(a, b);
  return members.length === 0 ? [] : [{ id, members }];
}

function coreOf(a: Runbook, b: Runbook): readonly string[] {
  const outside = ["steps", "execution", "core"];
  const content = membersThatDiffer(a.content, b.content).filter((name) => !outside.includes(name));
  return [...content, ...membersThatDiffer(a.content.core, b.content.core).map((name) => `core.${name}`)];
}

function writesOf(a: Runbook, b: Runbook): Pick<RunbookDiff, "writes" | "lateWrites"> {
  const [before, after] = [touchedBy(a), touchedBy(b)];
  const key = (entity: EntityRef): string => lockKeyOf("", entity);
  const more = (many: readonly EntityRef[], few: readonly EntityRef[]): readonly EntityRef[] => {
    const known = new Set(few.map(key));
    return many.filter((entity) => !known.has(key(entity))).map(({ kind, id }) => ({ kind, id }));
  };
  const kindsBefore = new Set(before.lateWrites.map((late) => late.kind));
  const kindsAfter = new Set(after.lateWrites.map((late) => late.kind));
  return {
    writes: { widened: more(after.writes, before.writes), narrowed: more(before.writes, after.writes) },
    lateWrites: {
      widened: [...kindsAfter].filter((kind) => !kindsBefore.has(kind)).sort(),
      narrowed: [...kindsBefore].filter((kind) => !kindsAfter.has(kind)).sort(),
    },
  };
}

/** Names of the members whose canonical text differs, sorted; an absent member differs from every value. */
function membersThatDiffer(a: object, b: object): readonly string[] {
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  const names = [...new Set([...left.keys(), ...right.keys()])].sort();
  return names.filter((name) => textOf(left.get(name)) !== textOf(right.get(name)));
}

function textOf(value: unknown): string {
  return value === undefined ? "" : canonicalize(value);
}
