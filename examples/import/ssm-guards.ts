import { apply, data, joined, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import { ALWAYS, readCondition } from "./ssm-conditions.js";
import type { SsmExit, SsmFlowStep } from "./ssm-flow.js";
import type { ResolveReference } from "./translate.js";

const OPERATORS_MAX = 2000;

/** When a step runs, and what it comes after. */
export interface SsmGuard {
  /** Absent: whenever the run gets that far. */
  readonly when?: Draft;
  /** Labels of the steps right before it; a branch stands for those before the branch. */
  readonly after: readonly string[];
}

/**
 * Says for every step when it runs: when one of the ways into it was taken.
 *
 * A way is taken when the step it leaves has run and ended so; a step that was skipped has no result. So each condition looks at
 * the steps right before it and no further. Branches are no steps: their own conditions are written into those behind them.
 *
 * @param order - topological
 * @returns by name; steps behind a refused condition are left out
 */
export function guardsOf(
  order: readonly SsmFlowStep[],
  labels: ReadonlyMap<string, string>,
  resolverOf: (step: SsmFlowStep) => ResolveReference,
  findings: Findings,
): ReadonlyMap<string, SsmGuard> {
  const guards = new Map<string, SsmGuard>();
  const ways = new Map<string, { readonly from: SsmFlowStep; readonly taken: Draft | undefined }[]>();
  for (const step of order) {
    const guard = guardOf(step, ways.get(step.name) ?? [], guards, labels);
    if (guard === undefined) continue;
    if (guard.when !== undefined && sizeOf(guard.when) > OPERATORS_MAX) {
      findings.refuse("import.too_large", step.pointer, `when it runs is a condition of more than ${OPERATORS_MAX} parts`);
      continue;
    }
    guards.set(step.name, guard);
    const takens = step.action === "aws:branch" ? branchWays(step, guard, resolverOf(step), findings) : undefined;
    for (const [index, exit] of step.exits.entries()) {
      if (exit.target === null) continue;
      const taken = takens === undefined ? stepWay(step, exit, labels.get(step.name) ?? "") : takens[index];
      ways.set(exit.target, [...(ways.get(exit.target) ?? []), { from: step, taken }]);
    }
  }
  return guards;
}

function guardOf(
  step: SsmFlowStep,
  ways: readonly { readonly from: SsmFlowStep; readonly taken: Draft | undefined }[],
  guards: ReadonlyMap<string, SsmGuard>,
  labels: ReadonlyMap<string, string>,
): SsmGuard | undefined {
  const before = ways.flatMap(({ from }) =>
    from.action === "aws:branch" ? (guards.get(from.name)?.after ?? []) : [labels.get(from.name) ?? ""],
  );
  const after = [...new Set(before)];
  if (step.isCertain) return { after };
  const when = joined("any", unique(ways.map((way) => way.taken)));
  return when === undefined ? undefined : { when, after };
}

/** A step that can only succeed and one whose success and failure lead to one place have been left when they have run. */
function stepWay(step: SsmFlowStep, exit: SsmExit, label: string): Draft {
  const result = (path: readonly string[]): Draft => ({ kind: "result", label, path });
  const leadsToOne = new Set(step.exits.map(({ target }) => target)).size === 1;
  if (!step.isAnswering || leadsToOne) return apply("exists", result([]));
  return apply("eq", result(["status"]), data(exit.on === "failure" ? "Failed" : "Success"));
}

/** Choices are tried in order: one is taken when it holds and none before it does. */
function branchWays(
  step: SsmFlowStep,
  guard: SsmGuard,
  resolve: ResolveReference,
  findings: Findings,
): readonly (Draft | undefined)[] {
  const choices = step.node.at("inputs").at("Choices").items();
  const conditions = choices.map((choice) => readCondition(choice, resolve, findings));
  const reached = guard.when === undefined ? [] : [guard.when];
  return step.exits.map(({ on }) => {
    const isChoice = typeof on === "object";
    const earlier = conditions.slice(0, isChoice ? on.choice : conditions.length);
    const none = earlier.map((condition) => (condition === undefined ? undefined : apply("not", condition)));
    const own = isChoice ? [conditions[on.choice]] : [];
    return joined("all", [...reached, ...none, ...own]) ?? (findings.isRefused() ? undefined : ALWAYS);
  });
}

function unique(drafts: readonly (Draft | undefined)[]): readonly (Draft | undefined)[] {
  const seen = new Set<string>();
  return drafts.filter((draft) => {
    const text = JSON.stringify(draft) as string | undefined;
    if (text === undefined) return true;
    const isNew = !seen.has(text);
    seen.add(text);
    return isNew;
  });
}

function sizeOf(draft: Draft): number {
  return draft.kind === "apply" ? draft.of.reduce((sum, part) => sum + sizeOf(part), 1) : 1;
}
