import type { Classified } from "./classify.js";
import type { CompileContext } from "../model/invocation.js";
import type { CompileRequest, Planned, PlanOutcome } from "./compile-request.js";
import type { Expanded } from "./expand.js";
import type { ExpandRequest } from "./expand-request.js";
import type { Limits } from "../model/limits.js";
import type { Plan } from "../model/plan.js";
import type { RunbookContent } from "../model/runbook.js";
import type { StepId } from "../model/ids.js";
import type { StepWrites } from "../model/write-set.js";
import { authorize } from "./authorize.js";
import { canonicalize } from "../json/canonical.js";
import { checkGate } from "./gate.js";
import { checkWriteSet, deriveWrites, NO_WRITES } from "./write-set.js";
import { classify } from "./classify.js";
import { digestOfText } from "../json/digest.js";
import { expand } from "./expand.js";
import { LIMIT_PROFILES } from "../model/limits.js";
import { personOf } from "../model/invocation.js";
import { planSteps } from "./plan.js";
import { present } from "../errors/invariant.js";

/** Domain tag of the digest from which the ids of new entities are made. */
const SEED_TAG = "runseal/seed/1";

/**
 * Turns an invocation into a plan that passed every gate, or says why not: pure, synchronous, all or nothing.
 *
 * The passes in their order: classify, expand, plan, gate, authorize, write-set. The first that fails gives the outcome, with all
 * its findings. Nothing is thrown for what the operator or the author did.
 *
 * @returns a plan for `seal`; the lookups that are still missing, to be answered, pinned and tried again; or a refusal
 * @remarks Time O(text) of what is sealed, and of statements worked through.
 */
export function compilePlan(request: CompileRequest): PlanOutcome {
  const classified = classify(request);
  if (classified.kind !== "classified") return classified;
  const { limits: _limits, ...context } = request.context ?? {};
  const limits = limitsOf(request);
  const expanded = expand(expandRequest(request, classified, context, limits));
  if (expanded.kind !== "expanded") return expanded;
  const writes = writesOf(expanded, request);
  const plan = planSteps(expanded.steps, writes);
  if ("errorKind" in plan) return plan;
  const writeSet = { byStep: writes };
  const violation = checkGate(plan, writeSet, context.packs ?? [], request.catalog);
  if (violation !== undefined) return violation;
  const authorized = authorize(plan, expanded.lookups, request.allowed, context.pins);
  if (authorized.kind !== "authorized") return authorized;
  const unresolved = checkWriteSet(plan.steps, expanded.contracts, request.writeSet ?? "heuristic");
  if (unresolved !== undefined) return unresolved;
  return planned({ request, classified, context, limits, expanded, plan, writes, snapshotManifest: authorized.snapshotManifest });
}

function limitsOf({ limits = LIMIT_PROFILES.runbook, context }: CompileRequest): Limits {
  const asked = context?.limits ?? {};
  const strictest = (bound: keyof Limits): number => Math.min(limits[bound], asked[bound] ?? limits[bound]);
  return {
    depthMax: strictest("depthMax"),
    stepsMax: strictest("stepsMax"),
    humanStepsMax: strictest("humanStepsMax"),
    lookupsMax: strictest("lookupsMax"),
  };
}

function expandRequest(request: CompileRequest, classified: Classified, context: CompileContext, limits: Limits): ExpandRequest {
  const { root, args, argsText, asked } = classified;
  const intent = context.intent ?? null;
  const about = canonicalize({ intent, name: request.invocation.name, scope: request.scope });
  return {
    catalog: request.catalog,
    context,
    root,
    args,
    argsText,
    seed: digestOfText(SEED_TAG, `{"args":${argsText},${about.slice(1)}`),
    intent,
    uses: context.uses ?? "once",
    limits,
    pinned: request.pinned ?? new Map(),
    asked,
  };
}

function writesOf(expanded: Expanded, request: CompileRequest): ReadonlyMap<StepId, StepWrites> {
  const writes = new Map<StepId, StepWrites>();
  for (const step of expanded.steps) {
    const contract = present(expanded.contracts.get(step.verb), "every step has a contract");
    const touched = deriveWrites(contract, step.args, request.writeSet ?? "heuristic");
    if (touched !== NO_WRITES) writes.set(step.id, touched);
  }
  return writes;
}

interface Passed {
  readonly request: CompileRequest;
  readonly classified: Classified;
  readonly context: CompileContext;
  readonly limits: Limits;
  readonly expanded: Expanded;
  readonly plan: Plan;
  readonly writes: ReadonlyMap<StepId, StepWrites>;
  readonly snapshotManifest: { readonly [objectId: string]: string };
}

function planned(passed: Passed): Planned {
  const { request, classified, context, limits, expanded, plan, writes, snapshotManifest } = passed;
  const { root } = classified;
  return {
    kind: "planned",
    scope: request.scope,
    name: request.invocation.name,
    title: (root.kind === "macro" ? root.macro.definition.title : undefined) ?? null,
    intent: context.intent ?? null,
    requestedBy: context.requestedBy === undefined ? null : personOf(context.requestedBy),
    uses: context.uses ?? "once",
    plan,
    writeSet: { byStep: writes },
    output: expanded.output,
    execution: executionOf(context.execution ?? {}),
    core: {
      bindings: expanded.bindings,
      allocations: expanded.allocations,
      ...(context.snapshotCursor === undefined ? {} : { snapshotCursor: context.snapshotCursor }),
      lookups: expanded.lookups,
      macroAudits: expanded.auditDigests,
      snapshotManifest,
      limits,
    },
    macroAudits: expanded.audits,
    lookups: expanded.answers,
    contracts: expanded.contracts,
    argsText: expanded.argsText,
    diagnostics: [...expanded.diagnostics, ...plan.diagnostics],
  };
}

/** Absent members are left out of the sealed bytes; tags are a set, so their order does not matter. */
function executionOf(options: NonNullable<CompileContext["execution"]>): RunbookContent["execution"] {
  const { onFailure = "stop", skipTags = [], deadlineMs } = options;
  return {
    onFailure,
    ...(skipTags.length === 0 ? {} : { skipTags: [...new Set(skipTags)].sort() }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
}
