import { z } from "zod";
import type { Handlers } from "../../catalog/handlers.js";
import type { Catalog } from "../../catalog/catalog.js";
import type { RunbookContent, RunbookDocument, Runbook } from "../../model/runbook.js";
import type { SealedStep } from "../../model/step.js";
import type { SimKind, SimRun, SimStep } from "./sim-plan.js";
import type { StepContext } from "../../model/step-context.js";
import type { Tree } from "../../model/expression.js";
import type { Verb } from "../../catalog/verb.js";
import { LIMIT_PROFILES } from "../../model/limits.js";
import { createCatalog } from "../../catalog/create-catalog.js";
import { defineVerb } from "../../catalog/define-verb.js";
import { documentDigestOf, runbookIdOf } from "../../model/runbook-digest.js";
import { subject } from "../../catalog/subject.js";
import { verbRef } from "../../model/verb.js";

const from = z.string().nullable();
const looks = z.object({ from });
const writes = z.object({ from, entity: subject("thing", "write") });
const result = z.string();
const retry = { attemptsMax: 3, baseMs: 100, maxMs: 2_000 };
const timeout = 3_000;

const pure = defineVerb({ name: "sim.pure", version: 1, effect: "pure", args: looks, result, retry, timeout });
const read = defineVerb({ name: "sim.read", version: 1, effect: "read", args: looks, result, retry, timeout });
const fact = defineVerb({ name: "sim.fact", version: 1, effect: "read", args: looks, result, retry, timeout });
const idempotent = defineVerb({
  name: "sim.idempotent",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: writes,
  result,
  retry,
  timeout,
});
const reconcile = defineVerb({
  name: "sim.reconcile",
  version: 1,
  effect: "write",
  recovery: "reconcile",
  args: writes,
  result,
  retry,
  timeout,
});
const manual = defineVerb({ name: "sim.manual", version: 1, effect: "write", recovery: "manual", args: writes, result, timeout });
const durable = defineVerb({
  name: "sim.durable",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  mode: "durable",
  args: writes,
  result,
  retry,
  timeout,
});
const gate = defineVerb({ name: "sim.gate", version: 1, effect: "pure", mode: "human_gate", args: looks, result });

const VERBS: { readonly [K in SimKind]: Verb } = { pure, read, fact, idempotent, reconcile, manual, durable, gate };

/** The catalog that every simulated worker has. */
export const simCatalog: Catalog = createCatalog({ verbs: Object.values(VERBS) });

/** What the handlers of a simulation are: one function for all verbs, and one that is asked about lost effects. */
export interface SimHandlers {
  run(kind: SimKind, context: StepContext): Promise<unknown>;
  reconcile(context: StepContext): Promise<unknown>;
}

/** Handlers for {@link simCatalog}. */
export function simHandlers(handlers: SimHandlers): Handlers<Catalog> {
  const entries = Object.entries(VERBS).map(([kind, verb]): [string, unknown] => {
    const run = (_: unknown, context: StepContext): Promise<unknown> => handlers.run(kind as SimKind, context);
    const ask = (_: unknown, context: StepContext): Promise<unknown> => handlers.reconcile(context);
    return [verb.name, kind === "reconcile" ? { run, reconcile: ask } : run];
  });
  return Object.fromEntries(entries.filter(([name]) => name !== gate.name)) as Handlers<Catalog>;
}

/** Seals a simulated run by hand: any graph, not only what macros can say. */
export function sealSimRun(run: SimRun, intent: string): Runbook {
  const steps = run.steps.map(sealStep);
  const content: RunbookContent = {
    format: 1,
    expressions: 1,
    scope: "default",
    intent,
    uses: "once",
    steps,
    execution: { onFailure: run.onFailure, ...(run.deadlineMs !== null && { deadlineMs: run.deadlineMs }) },
    core: { bindings: {}, allocations: [], lookups: [], macroAudits: [], snapshotManifest: {}, limits: LIMIT_PROFILES.runbook },
  };
  const output: Tree = Object.fromEntries(run.steps.map(({ id }) => [id, resultOf(id)]));
  const document: RunbookDocument = { name: "sim.run", output, sentences: {}, phases: [], explanations: [], remarks: [] };
  const id = runbookIdOf(content);
  const contracts = [...new Set(run.steps.map(({ kind }) => VERBS[kind].contract))].sort((a, b) =>
    a.digest < b.digest ? -1 : 1,
  );
  return {
    id,
    documentDigest: documentDigestOf(id, document),
    content,
    steps,
    document,
    envelope: { core: content.core, macroAudits: [], lookups: [] },
    contracts,
  };
}

function sealStep(step: SimStep): SealedStep {
  const verb = VERBS[step.kind];
  const { digest, effect, mode, recovery, retry: policy, timeoutMs } = verb.contract;
  const [first] = step.dependsOn;
  const isWrite = effect === "write";
  return {
    id: step.id,
    verb: verbRef(verb),
    contract: digest,
    args: { from: first === undefined ? null : resultOf(first), ...(isWrite && { entity: step.entity }) },
    dependsOn: [...step.dependsOn].sort(),
    effect,
    mode,
    reads: [],
    writes: isWrite ? [{ kind: "thing", id: step.entity, access: "write", source: "declared" }] : [],
    lateWrites: [],
    retry: policy,
    timeoutMs,
    ...(recovery !== undefined && { recovery }),
    ...(step.isConditional && first !== undefined && { when: { $: "ne", of: [resultOf(first), "no"] } }),
    ...(step.isOptional && first !== undefined && { optional: [first] }),
  };
}

function resultOf(step: string): Tree {
  return { $: "result", step, path: [] };
}
