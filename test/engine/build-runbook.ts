import type { HandlerEntry, Parsed } from "../../src/model/handler-entry.js";
import type { JsonValue } from "../../src/json/value.js";
import type { Runbook, RunbookContent } from "../../src/model/runbook.js";
import type { SchemaDescription } from "../../src/model/schema-description.js";
import type { SealedStep } from "../../src/model/step.js";
import type { Tree } from "../../src/model/expression.js";
import type { Effect, Mode, Recovery, VerbContract, VerbRef } from "../../src/model/verb.js";
import { LIMIT_PROFILES } from "../../src/model/limits.js";
import { RUNBOOK_TAG } from "../../src/model/runbook.js";
import { copyCanonical } from "../../src/json/copy.js";
import { digestOf } from "../../src/json/digest.js";
import { documentDigestOf } from "../../src/model/runbook-digest.js";

/** A step as a test writes it: everything else has a plain default. */
export interface StepSketch extends Partial<Omit<SealedStep, "id" | "verb">> {
  readonly id: string;
  readonly verb?: string;
}

/** A runbook as a test writes it. */
export interface RunbookSketch {
  readonly steps: readonly StepSketch[];
  readonly execution?: Partial<RunbookContent["execution"]>;
  readonly uses?: "once" | "many";
  readonly intent?: string;
  readonly output?: Tree;
}

/** Seals a sketch by hand. Steps are pure unless they say otherwise. */
export function buildRunbook(sketch: RunbookSketch): Runbook {
  const content: RunbookContent = {
    format: 1,
    expressions: 1,
    scope: "default",
    ...(sketch.intent !== undefined && { intent: sketch.intent }),
    uses: sketch.uses ?? "once",
    steps: sketch.steps.map(sealStep),
    execution: { onFailure: "stop", ...sketch.execution },
    core: { bindings: {}, allocations: [], lookups: [], macroAudits: [], snapshotManifest: {}, limits: LIMIT_PROFILES.runbook },
  };
  const id: Runbook["id"] = `rb_${digestOf(RUNBOOK_TAG, content)}`;
  const output = sketch.output ?? {};
  const document = { name: "test", output, sentences: {}, phases: [], explanations: [], remarks: [] };
  return {
    id,
    documentDigest: documentDigestOf(id, document),
    content,
    steps: content.steps,
    document,
    envelope: { core: content.core, macroAudits: [], lookups: [] },
    contracts: [],
  };
}

function sealStep(sketch: StepSketch): SealedStep {
  const effect = sketch.effect ?? "pure";
  const recovery = effect === "write" ? { recovery: sketch.recovery ?? ("idempotent" as const) } : {};
  const attemptsMax = effect !== "write" || recovery.recovery === "idempotent" ? 3 : 1;
  return {
    contract: "c".repeat(64),
    args: {},
    dependsOn: [],
    mode: "sync",
    reads: [],
    writes: [],
    lateWrites: [],
    retry: { attemptsMax, baseMs: 200, maxMs: 30_000 },
    timeoutMs: 300_000,
    ...sketch,
    effect,
    ...recovery,
    verb: `${sketch.verb ?? "test.work"}@1`,
  };
}

/** An entity that a step writes. */
export function written(kind: string, id: string): SealedStep["writes"][number] {
  return { kind, id, access: "write", source: "declared" };
}

/** The tree that stands for a step's result. */
export function resultOf(step: string, ...path: string[]): Tree {
  return { $: "result", step, path };
}

/** A verb as a test writes it. */
export interface VerbSketch {
  readonly run?: HandlerEntry["run"];
  readonly reconcile?: HandlerEntry["reconcile"];
  readonly args?: SchemaDescription;
  readonly checkArgs?: (value: JsonValue) => Parsed<unknown>;
  readonly checkResult?: (value: unknown) => Parsed<JsonValue>;
}

/** The handler table of a test: name of the verb -> what it does. */
export function handlersOf(verbs: { readonly [name: string]: VerbSketch }): (ref: VerbRef) => HandlerEntry | undefined {
  const entries = new Map<string, HandlerEntry>(
    Object.entries(verbs).map(([name, sketch]) => [`${name}@1`, entryOf(name, sketch)]),
  );
  return (ref) => entries.get(ref);
}

function entryOf(name: string, sketch: VerbSketch): HandlerEntry {
  return {
    contract: contractOf(name, sketch.args ?? { type: "json" }),
    parseArgs: sketch.checkArgs ?? ((value) => ({ ok: true, value: copyCanonical(value) })),
    parseResult: sketch.checkResult ?? ((value) => ({ ok: true, value: value as JsonValue })),
    ...(sketch.run !== undefined && { run: sketch.run }),
    ...(sketch.reconcile !== undefined && { reconcile: sketch.reconcile }),
  };
}

function contractOf(name: string, args: SchemaDescription): VerbContract {
  const effect: Effect = "write";
  const mode: Mode = "sync";
  const recovery: Recovery = "idempotent";
  const retry = { attemptsMax: 3, baseMs: 200, maxMs: 30_000 };
  const digest = "c".repeat(64);
  return {
    name,
    version: 1,
    args,
    result: { type: "json" },
    effect,
    mode,
    recovery,
    retired: false,
    retry,
    timeoutMs: 300_000,
    tags: [],
    replayable: false,
    digest,
  };
}
