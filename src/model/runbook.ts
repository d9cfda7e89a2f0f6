import type { Digest, RunbookId, Scope, StepId } from "./ids.js";
import type { EnvelopeCore, ReplayEnvelope } from "./envelope.js";
import type { SealedStep } from "./step.js";
import type { Tree } from "./expression.js";
import type { VerbContract } from "./verb.js";

/** What a failed step does to the rest: stop everything (default), or only what depends on it. */
export type OnFailure = "stop" | "continue_independent";

/** Version of the runbook preimage; its first member. */
export const RUNBOOK_FORMAT = 1;

/**
 * The preimage of a runbook id, and the only thing that is executed (decision 1.3, `docs/format.md`).
 *
 * Absent members are left out of the bytes. Nothing in it depends on a clock, a session, or a person.
 */
export interface RunbookContent {
  readonly format: typeof RUNBOOK_FORMAT;
  readonly expressions: number;
  readonly scope: Scope;
  readonly intent?: string;
  readonly uses: "once" | "many";
  readonly steps: readonly SealedStep[];
  readonly execution: { readonly onFailure: OnFailure; readonly skipTags?: readonly string[]; readonly deadlineMs?: number };
  readonly core: EnvelopeCore;
}

/** Everything a person reads besides the content: covered by `documentDigest`, not by the id. */
export interface RunbookDocument {
  /** Name of the macro or verb that was invoked. */
  readonly name: string;
  readonly title?: string;
  /** Who asked for it, `issuer:subject`; absent when nobody was named. Kept out of the id: who asks does not change what runs. */
  readonly requestedBy?: string;
  /** What the root gives back, over step results; pinned in the id through the root's macro audit. */
  readonly output: Tree;
  /** Step id -> the author's sentence, a quotation. */
  readonly sentences: { readonly [stepId: StepId]: string };
  /** Step ids that may run together; derived from `dependsOn`. */
  readonly phases: readonly (readonly StepId[])[];
  /** Ordering edges with their reasons, and the planner's remarks. */
  readonly explanations: readonly { readonly before: StepId; readonly after: StepId; readonly why: string }[];
  readonly remarks: readonly string[];
}

/** A sealed runbook as it is kept in memory: frozen through and through. */
export interface Runbook {
  readonly id: RunbookId;
  readonly documentDigest: Digest;
  readonly content: RunbookContent;
  /** `content.steps`. */
  readonly steps: readonly SealedStep[];
  readonly document: RunbookDocument;
  readonly envelope: ReplayEnvelope;
  /** The contracts the steps were sealed against, so that a drift can be shown field by field. */
  readonly contracts: readonly VerbContract[];
}

/** Domain tags of the digests of a runbook. */
export const RUNBOOK_TAG = "runseal/runbook/1";
/** Domain tag of the digest over id and document. */
export const DOCUMENT_TAG = "runseal/document/1";
