import type { CompileContext, Invocation } from "../model/invocation.js";
import type { CompileRefusal } from "../model/outcome.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { EnvelopeCore, MacroAudit } from "../model/envelope.js";
import type { JsonValue } from "../json/value.js";
import type { Limits } from "../model/limits.js";
import type { MacroDefinition } from "../model/macro.js";
import type { Pack } from "../model/pack.js";
import type { Plan } from "../model/plan.js";
import type { RunbookContent } from "../model/runbook.js";
import type { Scope, StepId } from "../model/ids.js";
import type { Tree } from "../model/expression.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import type { WriteSet } from "../model/write-set.js";
import type { AllowSet } from "../model/invocation.js";

/** The checks that only a schema's own code can make: formats, opaque checks. A zod schema is one. */
export interface ValueSchema {
  safeParse(value: unknown):
    | { readonly success: true }
    | {
        readonly success: false;
        readonly error: { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] };
      };
}

/** A verb as the compiler needs it: its contract, and its schemas where values have to be checked by code. */
export interface CompileVerb {
  readonly contract: VerbContract;
  readonly args?: ValueSchema;
  readonly result?: ValueSchema;
}

/** A macro as the compiler needs it. */
export interface CompileMacro {
  readonly definition: MacroDefinition;
  readonly params?: ValueSchema;
}

/** What the compiler asks of a catalog; every `Catalog` is one. */
export interface CompileCatalog {
  readonly verbs: readonly CompileVerb[];
  readonly packs: readonly Pack[];
  /** The newest version that is not retired. */
  verb(name: string): CompileVerb | undefined;
  macro(name: string): CompileMacro | undefined;
  pack(id: string): Pack | undefined;
  /** Names of verbs and macros that look like `name`, nearest first. */
  suggest(name: string): readonly string[];
}

/** Where writes are read from: declarations and UUIDs (default), or declarations alone (decision 2.8). */
export type WriteSetMode = "heuristic" | "declared";

/** The answer to a lookup, as far as compiling is concerned. */
export interface PinnedAnswer {
  readonly response: JsonValue;
  /** When it was given, milliseconds since the epoch; kept beside the runbook, never hashed. Default 0. */
  readonly performedAt?: number;
}

/** Everything a compilation may know. */
export interface CompileRequest {
  readonly catalog: CompileCatalog;
  readonly scope: Scope;
  readonly invocation: Invocation;
  readonly context?: CompileContext;
  /** Answers of lookups that were asked already, by path. */
  readonly pinned?: ReadonlyMap<string, PinnedAnswer>;
  /** What the policy allows; `undefined` = the policy gave no answer, which is refused. */
  readonly allowed: AllowSet | undefined;
  /** Default: the `runbook` profile. */
  readonly limits?: Limits;
  /** Default `heuristic`. */
  readonly writeSet?: WriteSetMode;
}

/** A lookup that has to be answered before the plan can be made. */
export interface MissingLookup {
  readonly path: string;
  readonly verb: CompileVerb;
  readonly args: JsonValue;
}

/** A lookup that was answered and used. */
export interface AnsweredLookup {
  readonly path: string;
  readonly verb: VerbRef;
  readonly args: JsonValue;
  readonly response: JsonValue;
  readonly performedAt: number;
}

/** A plan that passed every gate: what `seal` takes. */
export interface Planned {
  readonly kind: "planned";
  readonly scope: Scope;
  readonly name: string;
  readonly title: string | null;
  readonly intent: string | null;
  /** `issuer:subject` of who asked; part of the document, not of the id. */
  readonly requestedBy: string | null;
  readonly uses: "once" | "many";
  readonly plan: Plan;
  readonly writeSet: WriteSet;
  readonly output: Tree;
  readonly execution: RunbookContent["execution"];
  readonly core: EnvelopeCore;
  readonly macroAudits: readonly MacroAudit[];
  readonly lookups: readonly AnsweredLookup[];
  /** The contract of every verb that is a step, by `name@version`. */
  readonly contracts: ReadonlyMap<VerbRef, VerbContract>;
  /** Canonical text of each step's arguments, so that it is written once. */
  readonly argsText: ReadonlyMap<StepId, string>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Lookups that are still missing: answer them, pin the answers, and plan again. */
export interface LookupsWanted {
  readonly kind: "lookups";
  readonly missing: readonly MissingLookup[];
}

/** What planning gives. */
export type PlanOutcome = Planned | LookupsWanted | CompileRefusal;
