import type { JsonObject, JsonValue } from "../json/value.js";
import type { Digest, RunId, StepId } from "./ids.js";
import type { Limits } from "./limits.js";
import type { Recheck } from "./macro.js";
import type { Tree } from "./expression.js";
import type { VerbRef } from "./verb.js";

/** Where a runbook came from, when it was made from a run (decision 3.18). */
export interface Basis {
  readonly kind: "fork" | "amend" | "undo";
  readonly runId: RunId;
  /** The end of that run's log when the runbook was sealed. */
  readonly headHash: Digest;
  /** The step that a fork begins with; `null` for the other kinds. */
  readonly from: StepId | null;
  /** What is taken over, in plan order; absent when nothing is. */
  readonly steps?: readonly BasisStep[];
}

/** What a step takes over from the step of the same id in the run of the basis. */
export interface BasisStep {
  readonly stepId: StepId;
  /**
   * `completed`: its result; the step is not run again. `in_doubt`: the doubt, for a person to settle. `entered`: only the
   * idempotency key; the step is run again.
   */
  readonly as: "completed" | "in_doubt" | "entered";
  /** Of a completed step: covers its result and what it left in the context. */
  readonly digest?: Digest;
  /** The run whose idempotency key the step keeps; absent = it gets the key of its own run. */
  readonly keyRunId?: RunId;
}

/** The sealed part of a lookup or precondition: enough to ask again and compare. */
export interface SealedLookup {
  /** Path of labels, like a step id. */
  readonly path: string;
  readonly verb: VerbRef;
  readonly contract: Digest;
  readonly args: JsonValue;
  readonly responseDigest: Digest;
  readonly recheck: Recheck;
  /** Present for a `require`: what the answer must hold. */
  readonly expected?: JsonValue;
}

/** An id that the deterministic allocator gave to a new entity. */
export interface Allocation {
  readonly path: string;
  readonly kind: string;
  readonly id: string;
}

/** What pinned the compilation: the hashed part of the envelope. */
export interface EnvelopeCore {
  readonly basis?: Basis;
  readonly bindings: JsonObject;
  readonly allocations: readonly Allocation[];
  readonly snapshotCursor?: string;
  readonly lookups: readonly SealedLookup[];
  /** Digest of each expanded macro's audit, in order of expansion. */
  readonly macroAudits: readonly Digest[];
  /** Object id -> snapshot id of the contracts that were pinned. */
  readonly snapshotManifest: { readonly [objectId: string]: string };
  readonly limits: Limits;
}

/** One expanded macro: what it was called with and what came of it. Its digest is hashed; `expandedAt` is not. */
export interface MacroAudit {
  /** Path of labels; empty for the root. */
  readonly path: string;
  readonly macro: string;
  readonly version: number;
  readonly definition: Digest;
  /** Parameters as evaluated; late values as expressions. */
  readonly params: Tree;
  readonly bindings: JsonObject;
  /** Digest over the ids, verbs and arguments of the steps below `path`, and over the output. */
  readonly expansion: Digest;
  readonly limits: Limits;
}

/** A lookup as it was asked: kept with the runbook, not hashed. */
export interface LookupAudit {
  readonly path: string;
  readonly verb: VerbRef;
  readonly args: JsonValue;
  readonly response: JsonValue;
  readonly performedAt: number;
}

/** The envelope: the sealed core and the audits that explain it. */
export interface ReplayEnvelope {
  readonly core: EnvelopeCore;
  readonly macroAudits: readonly MacroAudit[];
  readonly lookups: readonly LookupAudit[];
}
