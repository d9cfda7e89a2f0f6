import type { Basis } from "../model/envelope.js";
import type { Preview, PreviewStep } from "../model/preview.js";
import type { Runbook } from "../model/runbook.js";
import type { StepId } from "../model/ids.js";
import { count, showEntity, showName } from "./show.js";
import { printJson, printText, printTree } from "../expression/print.js";

/** A preview for a terminal or a ticket: the order, what each step does, and what is written, locked and not known. */
export function previewText(runbook: Runbook, preview: Omit<Preview, "text">): string {
  const steps = new Map(preview.steps.map((step) => [step.id, step]));
  const sections = [
    heading(runbook),
    ...preview.phases.map((ids, index) => phase(index, ids, steps)),
    section(
      "Writes",
      preview.writes.map((subject) => `${showEntity(subject)}${subject.source === "heuristic" ? "  (found, not declared)" : ""}`),
    ),
    section(
      "Late writes",
      preview.lateWrites.map((late) => `${showName(late.kind)} in ${showName(late.step)} at ${showName(late.pointer)}`),
    ),
    section("Reads", preview.reads.map(showEntity)),
    section("Locks, in order", preview.locks),
    section("Looked at while compiling", lookups(runbook)),
    section("Gives back", isEmpty(runbook.document.output) ? [] : [printTree(runbook.document.output)]),
    section("Not known before the run", preview.unknowns),
    section("Remarks", runbook.document.remarks.map(showRemark)),
    approval(preview),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function heading({ id, documentDigest, content, document }: Runbook): string {
  const { execution } = content;
  const rows: [string, string][] = [
    ["runbook", id],
    ["document", documentDigest],
    ["scope", showName(content.scope)],
    ["intent", content.intent === undefined ? "none" : printText(content.intent)],
    ["uses", content.uses],
    ["on failure", execution.onFailure === "stop" ? "stop" : "go on with what does not depend on it"],
  ];
  if (execution.deadlineMs !== undefined) rows.push(["deadline", `${execution.deadlineMs} ms after the start`]);
  if (execution.skipTags !== undefined) rows.push(["skips", `steps tagged ${execution.skipTags.map(showName).join(", ")}`]);
  if (content.core.snapshotCursor !== undefined) rows.push(["snapshot", printText(content.core.snapshotCursor)]);
  if (content.core.basis !== undefined) rows.push(["made from", madeFrom(content.core.basis)]);
  const title = document.title === undefined ? "" : `  ${printText(document.title)}`;
  return [`${showName(document.name)}${title}`, ...rows.map(([name, value]) => `  ${name.padEnd(10)}  ${value}`)].join("\n");
}

function madeFrom({ kind, runId, from }: Basis): string {
  return `${kind} of run ${showName(runId)}${from === null ? "" : ` from ${showName(from)}`}`;
}

function phase(index: number, ids: readonly StepId[], steps: ReadonlyMap<StepId, PreviewStep>): string {
  const together = ids.length === 1 ? "" : `: ${count(ids.length, "step")} that may run together`;
  const lines = ids.flatMap((id) => {
    const step = steps.get(id);
    return step === undefined ? [] : stepLines(step);
  });
  return [`Phase ${index + 1}${together}`, ...lines].join("\n");
}

function stepLines(step: PreviewStep): readonly string[] {
  const recovery = step.transactional === true ? "in one transaction with the log" : step.recovery;
  const effect = recovery === null ? step.effect : `${step.effect}, ${recovery}`;
  return [
    `  ${showName(step.id)}`,
    `      ${showName(step.verb)} (${effect})${MODES[step.mode]}`,
    `      ${step.args}`,
    ...(step.takenOver === undefined ? [] : [`      ${TAKEN_OVER[step.takenOver]}`]),
    ...(step.sentence === null ? [] : [`      the author says: ${printText(step.sentence)}`]),
    ...(step.when === null ? [] : [`      only if ${step.when}`]),
    ...(step.dependsOn.length === 0 ? [] : [`      after ${step.dependsOn.map(showName).join(", ")}`]),
  ];
}

const TAKEN_OVER = {
  completed: "done already: its result is carried over, nothing is called",
  in_doubt: "in doubt: waits until a person says whether it happened",
  entered: "begun before: run again under the same idempotency key",
} as const;

const MODES = { sync: "", durable: ", then waits for a signal", human_gate: ", after the decision of a person" } as const;

function lookups({ content }: Runbook): readonly string[] {
  return content.core.lookups.map(({ path, verb, args, expected, recheck }) => {
    const wanted = expected === undefined ? "" : `, must hold ${printJson(expected)}`;
    return `${showName(path)}: ${showName(verb)} ${printJson(args)}${wanted} (${RECHECKS[recheck]})`;
  });
}

const RECHECKS = {
  at_admission: "asked again before the run",
  on_resume: "asked again before the run and when it is resumed",
  never: "not asked again",
} as const;

function approval({ approvalsNeeded, steps }: Omit<Preview, "text">): string {
  const writing = steps.filter((step) => step.effect === "write" && step.takenOver !== "completed").length;
  return approvalsNeeded ? `Approval: ${count(writing, "writing step")}` : "Approval: nothing is written";
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [title, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Remarks are our own sentences about names that are checked; whatever else is in one is escaped, without quoting all of it. */
function showRemark(remark: string): string {
  return printText(remark).slice(1, -1).replaceAll('\\"', '"');
}

function isEmpty(output: Runbook["document"]["output"]): boolean {
  return typeof output === "object" && output !== null && Object.keys(output).length === 0;
}
