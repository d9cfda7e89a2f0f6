import type { Diagnostic } from "./diagnostic.js";
import type { Preview } from "./preview.js";
import type { Runbook } from "./runbook.js";

/** The passes of the compiler, in their fixed order. */
export const PASSES = [
  "classify",
  "resolve",
  "expand",
  "plan",
  "gate",
  "authorize",
  "write_set",
  "seal",
  "store",
  "internal",
] as const;

/** A pass of the compiler. */
export type Pass = (typeof PASSES)[number];

/** Every kind of compilation error and the one pass it belongs to (decision 2.4). */
export const ERROR_KIND_PASS = {
  lookup_failed: "resolve",
  expansion_failed: "expand",
  cycle_detected: "expand",
  limits_exceeded: "expand",
  dag_error: "plan",
  pack_constraint: "gate",
  policy_denied: "authorize",
  policy_unavailable: "authorize",
  write_set_unresolved: "write_set",
  store_failed: "store",
  internal_error: "internal",
} as const satisfies Record<string, Pass>;

/** What kind of fault stopped a compilation. */
export type CompilationErrorKind = keyof typeof ERROR_KIND_PASS;

/** One thing the operator must supply or correct. */
export interface MissingField {
  /** Name of the argument, a dotted path into it, or `name` / `intent` / `bindings.<name>`. */
  readonly fieldName: string;
  readonly reason:
    | "missing"
    | "unknown_argument"
    | "wrong_type"
    | "not_in_enumeration"
    | "not_canonical"
    | "secret"
    | "unknown_name"
    | "unanswered"
    | "precondition";
  /** A sentence for a person. */
  readonly message: string;
  /** Values that would be right, nearest first. */
  readonly suggestions: readonly string[];
  readonly required: boolean;
}

/** The operator's input can't be compiled as it stands; every field is named at once. */
export interface Clarification {
  readonly kind: "clarification";
  readonly question: string;
  readonly missingFields: readonly MissingField[];
  readonly context: {
    readonly name: string;
    readonly isMacro: boolean;
    readonly extractedArgs: { readonly [name: string]: string };
  };
}

/** A constraint of an active pack. */
export interface ActiveConstraint {
  readonly packId: string;
  readonly packName: string;
  readonly constraint:
    | { readonly type: "forbidden_verb"; readonly verb: string }
    | { readonly type: "verb_not_allowed"; readonly verb: string }
    | { readonly type: "forbidden_entity_kind"; readonly kind: string };
}

/** A way out of a constraint violation. */
export type Remediation =
  | { readonly type: "suspend_pack"; readonly packId: string; readonly packName: string }
  | { readonly type: "widen_scope"; readonly suggestedPacks: readonly string[] }
  /** `score` is for ordering on a screen only, 0 to 1. */
  | {
      readonly type: "alternative_verbs";
      readonly alternatives: readonly { readonly verb: string; readonly description: string; readonly score: number }[];
    };

/** The plan is sound but an active pack does not allow it. */
export interface ConstraintViolation {
  readonly kind: "constraint_violation";
  readonly explanation: string;
  readonly violatingVerbs: readonly string[];
  readonly activeConstraints: readonly ActiveConstraint[];
  readonly remediationOptions: readonly Remediation[];
}

/** The catalog, the policy or the world can't give a plan. One error per compile: that of the first failing pass, with all its findings. */
export interface CompilationError {
  readonly kind: "compilation_error";
  readonly errorKind: CompilationErrorKind;
  readonly sourcePhase: Pass;
  readonly message: string;
  /** All findings of the pass in a stable order; `code` holds the sub-code. */
  readonly findings: readonly Diagnostic[];
  /** The names along a cycle, first and last equal, for `cycle_detected` and cyclic `dag_error`. */
  readonly cycle?: readonly string[];
}

/** A stored, sealed runbook with what a person looks at before approving. */
export interface Compiled {
  readonly kind: "compiled";
  readonly runbook: Runbook;
  readonly preview: Preview;
  /** Counts this session's compilations from 1; `null` without a session. Never hashed. */
  readonly version: number | null;
  /** False when the same content was sealed before. */
  readonly isNew: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** What `compile` gives: all or nothing. */
export type CompileOutcome = Compiled | Clarification | ConstraintViolation | CompilationError;

/** The three outcomes that are not a runbook. */
export type CompileRefusal = Exclude<CompileOutcome, Compiled>;
