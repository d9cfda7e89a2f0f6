import type { ArtifactWrite } from "../stores/event-store.js";
import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { HandlerEntry } from "../model/handler-entry.js";
import type { JsonValue } from "../json/value.js";
import type { SealedStep } from "../model/step.js";
import type { StagedDelta } from "./staged-delta.js";
import { boundedMessage } from "./failure-of.js";
import { canonicalize } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";
import { isPark } from "../model/park.js";
import { isRunsealError } from "../errors/error.js";
import { pictureOf } from "./raw-value.js";
import { redact } from "../secrets/redact.js";
import { sha256Hex } from "../json/digest.js";

/** Events that say what came of something, with the bytes they name. */
export interface Outcome {
  readonly events: readonly EventDraft[];
  readonly artifacts: readonly ArtifactWrite[];
}

/** Results up to this size stand in the event; larger ones become artifacts. A lower bound of the canonical text, in bytes. */
const INLINE_BYTES_MAX = 32_768;

/** Largest result of a step: 4 MiB of canonical text. */
const RESULT_BYTES_MAX = 4_194_304;

/** One step and the attempt that something came of. */
export interface OutcomeOf {
  readonly step: SealedStep;
  readonly attempt: number;
  readonly entry: HandlerEntry;
  /** Entities that the handler declared to write: `kind:id`, sorted. */
  readonly declared: readonly string[];
  /** What the attempt wrote into the context. */
  readonly staged?: StagedDelta | undefined;
  /** Takes secrets out of texts before they are cut to length. Default: leaves them. */
  readonly clean?: (text: string) => string;
  /** Who gave the result, where it was not the handler: `signal`, `decision`, `reconcile`. */
  readonly by?: string;
}

/** A value that passed the verb's result schema and can be stored, in the event or (not small) as an artifact; or every complaint. */
export type CheckedResult =
  | { readonly ok: true; readonly value: JsonValue; readonly isSmall: boolean }
  | { readonly ok: false; readonly issues: readonly string[] };

/** Checks a value against the verb's result schema and the value model; never throws. */
export function checkResult(entry: HandlerEntry, value: unknown): CheckedResult {
  try {
    if (isPark(value)) return { ok: false, issues: ["/: a park, which only durable verbs return"] };
    const parsed = entry.parseResult(value);
    return parsed.ok ? { ok: true, ...copyOf(parsed.value) } : parsed;
  } catch (error) {
    return { ok: false, issues: [isRunsealError(error) ? `/: ${error.message}` : `/: the check threw (${typeof error})`] };
  }
}

/** A frozen copy that is walked once where the value is small, as nearly all are. */
function copyOf(value: JsonValue): { readonly value: JsonValue; readonly isSmall: boolean } {
  try {
    return { value: copyCanonical(value, { bytesMax: INLINE_BYTES_MAX }), isSmall: true };
  } catch (error) {
    if (!isRunsealError(error, "value.too_large")) throw error;
    return { value: copyCanonical(value, { bytesMax: RESULT_BYTES_MAX }), isSmall: false };
  }
}

const NOTHING_STAGED: Outcome = { events: [], artifacts: [] };

/** A step that completed with a value that was checked. */
export function completed(of: OutcomeOf, checked: Extract<CheckedResult, { ok: true }>): Outcome {
  const { value } = checked;
  const { step, attempt, declared, by, staged } = of;
  const more = { ...(by !== undefined && { by }), ...(staged && { delta: staged.delta }) };
  const { events: before, artifacts } = staged ?? NOTHING_STAGED;
  if (checked.isSmall) {
    const payload = { stepId: step.id, attempt, declared, result: value, ...more };
    return { events: [...before, { kind: "step.completed", payload }], artifacts };
  }
  const artifact = artifactOf("result", value);
  const payload = { stepId: step.id, attempt, declared, resultRef: artifact.id, ...more };
  return {
    events: [...before, artifactWritten(artifact), { kind: "step.completed", payload }],
    artifacts: [...artifacts, artifact],
  };
}

/**
 * What came of a value that a handler returned.
 *
 * Where it can't be the result, a step that only looks has failed; a writing step is in doubt, because its effect has happened,
 * and a picture of the value is kept for the person who settles it (decision 2.1b).
 */
export function returned(of: OutcomeOf, value: unknown): Outcome {
  const checked = checkResult(of.entry, value);
  if (checked.ok) return completed(of, checked);
  const issues = boundedMessage(checked.issues.join("; "));
  if (of.step.effect !== "write") {
    const failure = { code: "step.result_invalid", category: "bug", retryable: false, message: issues } as const;
    return { events: [failed(of.step, of.attempt, failure, true)], artifacts: [] };
  }
  const raw = artifactOf("raw_result", pictureOf(value, of.clean));
  return inDoubt(of, `step.result_invalid: ${issues}`, raw);
}

/** A writing step of which nobody knows whether, or with what, it happened. */
export function inDoubt(
  of: { readonly step: SealedStep; readonly attempt: number },
  reason: string,
  raw?: ArtifactWrite,
): Outcome {
  const payload = { stepId: of.step.id, attempt: of.attempt, recovery: of.step.recovery ?? "manual", reason };
  if (raw === undefined) return { events: [{ kind: "step.in_doubt", payload }], artifacts: [] };
  return { events: [artifactWritten(raw), { kind: "step.in_doubt", payload: { ...payload, rawRef: raw.id } }], artifacts: [raw] };
}

/** The event of an attempt that failed; `final` = it is not tried again. */
export function failed(step: SealedStep, attempt: number, failure: Failure, final: boolean): EventDraft {
  const { code, category, retryable, message } = failure;
  return { kind: "step.failed", payload: { stepId: step.id, attempt, code, category, message, retryable, final } };
}

/** Whether a value may stand in an event. */
export function isSmall(value: JsonValue): boolean {
  try {
    copyCanonical(value, { bytesMax: INLINE_BYTES_MAX });
    return true;
  } catch (error) {
    if (isRunsealError(error, "value.too_large")) return false;
    throw error;
  }
}

/** A value as an artifact: the UTF-8 bytes of its canonical text, after redaction. */
export function artifactOf(kind: string, value: JsonValue): ArtifactWrite {
  const bytes = new TextEncoder().encode(canonicalize(redact(value)));
  return { id: sha256Hex(bytes), kind, bytes };
}

/** The event that says an artifact was written. */
export function artifactWritten(artifact: ArtifactWrite): Extract<EventDraft, { kind: "artifact.written" }> {
  return {
    kind: "artifact.written",
    payload: { artifactId: artifact.id, kind: artifact.kind, bytes: artifact.bytes.byteLength },
  };
}
