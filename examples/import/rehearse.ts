import { allowAll, createCatalog, createRunseal, type CompileOutcome, type JsonValue, type Runseal, type Stores } from "runseal";
import type { Imported } from "./imported.js";
import { recordedResult, Recorder } from "./recorder.js";
import { sampleArguments, sampleValue } from "./sample-arguments.js";

/** More than any document of the field needs, and far from what a machine can't hold. */
const LIMITS = { stepsMax: 20_000, humanStepsMax: 1000, depthMax: 40 } as const;

/** What came of running an imported document with handlers that only record. */
export interface Rehearsal {
  readonly runbookId: string;
  readonly steps: number;
  readonly phases: readonly (readonly string[])[];
  /** `kind:id` of everything that is written. */
  readonly writes: readonly string[];
  readonly status: "completed" | "failed" | "canceled" | "parked";
  readonly skipped: readonly string[];
  readonly output: JsonValue;
  readonly isVerified: boolean;
}

/** What a rehearsal may be told. */
export interface RehearseOptions {
  /** Arguments of the root macro, over samples of those that are required. */
  readonly args?: { readonly [name: string]: unknown };
  /** Default: a fresh one. */
  readonly recorder?: Recorder;
  /** Default: the document's name. */
  readonly intent?: string;
}

/**
 * Compiles an imported document, runs it to its end on the given stores, and verifies the run.
 *
 * Gates are approved and waits are answered as they come up: nothing of the world is touched.
 *
 * @returns the rehearsal, or the outcome of a compilation that was refused
 */
export async function rehearse(
  { verbs, macros, report }: Imported,
  stores: Stores,
  { args, recorder = new Recorder(), intent = report.name }: RehearseOptions = {},
): Promise<Rehearsal | Exclude<CompileOutcome, { readonly kind: "compiled" }>> {
  const root = macros.find((macro) => macro.name === report.root);
  if (root === undefined) throw new TypeError("the document was refused: there is nothing to run");
  const catalog = createCatalog({ verbs, macros });
  const runseal = createRunseal({ catalog, handlers: recorder.handlersOf(verbs), stores, policy: allowAll(), limits: LIMITS });
  const outcome = await runseal.compile(
    { name: root.name, args: { ...sampleArguments(root), ...args } },
    { intent, bindings: Object.fromEntries(report.bindings.map(({ name, source }) => [name, `<${source}>`])) },
  );
  if (outcome.kind !== "compiled") return outcome;
  const { id, steps, document } = outcome.runbook;
  const { runId } = await runseal.execute(id);
  const result = await toTheEnd(runseal, runId);
  const [view, verdict] = [await runseal.status(runId), await runseal.verify(runId)];
  return {
    runbookId: id,
    steps: steps.length,
    phases: document.phases,
    writes: [...new Set(steps.flatMap((step) => step.writes.map((write) => `${write.kind}:${write.id}`)))].sort(),
    status: result,
    skipped: view.steps.filter((step) => step.status === "skipped").map((step) => step.stepId),
    output: view.output,
    isVerified: verdict.integrity === "ok" && verdict.problems.length === 0,
  };
}

/** Answers whatever the run waits for, until it waits for nothing more. */
async function toTheEnd(runseal: Runseal, runId: string): Promise<Rehearsal["status"]> {
  for (;;) {
    const handle = await runseal.handle(runId);
    const result = await handle.result();
    if (result.status !== "parked") return result.status;
    const { steps } = await handle.status();
    const waiting = steps.filter((step) => step.wait !== null);
    if (waiting.length === 0) return result.status;
    for (const { stepId, wait } of waiting) await answer(runseal, runId, stepId, wait);
    await runseal.resume(runId);
  }
}

type Wait = { readonly key: string; readonly reason: string } | null;

async function answer(runseal: Runseal, runId: string, stepId: string, wait: Wait): Promise<void> {
  const { runbookId } = await runseal.status(runId);
  const step = (await runseal.preview(runbookId)).steps.find((one) => one.id === stepId);
  const verb = step === undefined ? undefined : runseal.catalog.verbAt(step.verb);
  if (verb === undefined || wait === null) return;
  if (wait.reason !== "human_gate") {
    await runseal.signal(runId, wait.key, recordedResult(verb, undefined));
    return;
  }
  await runseal.decide(runId, stepId, {
    verdict: "approve",
    principal: { subject: "example" },
    payload: sampleValue(verb.contract.result, "example"),
  });
}
