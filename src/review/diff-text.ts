import type { RunbookDiff } from "./runbook-diff.js";
import type { SealedStep } from "../model/step.js";
import type { StepId } from "../model/ids.js";
import { printJson, printTree } from "../expression/print.js";
import { showEntity, showName } from "./show.js";

/** Members that are shown with both values; of the others only the name. */
const SHOWN = ["args", "when", "verb", "mode", "timeoutMs", "dependsOn"] as const;

/** A diff for a terminal: `+` added, `-` removed, `~` changed, `>` moved. */
export function diffText(
  diff: Omit<RunbookDiff, "text">,
  stepsA: ReadonlyMap<StepId, SealedStep>,
  stepsB: ReadonlyMap<StepId, SealedStep>,
): string {
  const lines = [
    `from ${diff.a}`,
    `to   ${diff.b}`,
    ...(diff.isSame ? ["the same runbook: the same steps, arguments and options"] : []),
    ...diff.removed.map((id) => `- ${line(id, stepsA)}`),
    ...diff.added.map((id) => `+ ${line(id, stepsB)}`),
    ...diff.changed.flatMap(({ id, members }) => [
      `~ ${showName(id)}: ${members.join(", ")}`,
      ...SHOWN.filter((member) => members.includes(member)).flatMap((member) => [
        `    - ${value(stepsA.get(id), member)}`,
        `    + ${value(stepsB.get(id), member)}`,
      ]),
    ]),
    ...diff.reordered.map((id) => `> ${showName(id)} runs at another place`),
    ...diff.writes.widened.map((entity) => `+ writes ${showEntity(entity)}`),
    ...diff.writes.narrowed.map((entity) => `- writes ${showEntity(entity)}`),
    ...diff.lateWrites.widened.map((kind) => `+ writes some ${showName(kind)}, learnt while running`),
    ...diff.lateWrites.narrowed.map((kind) => `- writes some ${showName(kind)}, learnt while running`),
    ...note("execution options", diff.execution),
    ...note("pinned by the compilation", diff.core),
    ...note("what a person reads", diff.document),
  ];
  return `${lines.join("\n")}\n`;
}

function line(id: StepId, steps: ReadonlyMap<StepId, SealedStep>): string {
  const step = steps.get(id);
  return step === undefined ? showName(id) : `${showName(id)}  ${showName(step.verb)} ${printTree(step.args)}`;
}

function value(step: SealedStep | undefined, member: (typeof SHOWN)[number]): string {
  if (step === undefined) return "nothing";
  if (member === "dependsOn") return `after ${printJson(step.dependsOn)}`;
  if (member === "args") return printTree(step.args);
  if (member === "when") return step.when === undefined ? "always runs" : `only if ${printTree(step.when)}`;
  return showName(String(step[member]));
}

function note(what: string, members: readonly string[]): readonly string[] {
  return members.length === 0 ? [] : [`~ ${what}: ${members.join(", ")}`];
}
