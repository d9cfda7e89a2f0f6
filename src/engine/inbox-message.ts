import type { InboxEntry } from "../stores/inbox.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { RunId, Scope, StepId } from "../model/ids.js";
import { canonicalize } from "../json/canonical.js";
import { redact } from "../secrets/redact.js";

/** A decision about a step, as a sender gives it. */
export interface StepDecision {
  readonly verdict: "approve" | "reject";
  readonly issuer: string;
  readonly subject: string;
  readonly vouchedBy: "authenticated" | "host";
  /** Without a handler, an approved gate has this as its result. */
  readonly payload?: JsonValue;
  readonly note?: string;
}

/** What somebody says of a step in doubt. */
export interface DoubtDecision extends Omit<StepDecision, "verdict"> {
  readonly verdict: "done" | "not_done" | "failed";
  /** The attempt whose effect was in doubt. */
  readonly attempt: number;
}

/** A message to a run as the engine reads it. */
export type RunMessage =
  | { readonly kind: "signal"; readonly key: string; readonly payload: JsonValue }
  | { readonly kind: "decision"; readonly stepId: StepId; readonly decision: StepDecision | DoubtDecision }
  | { readonly kind: "cancel"; readonly reason: string; readonly by: string | null }
  | { readonly kind: "pause"; readonly by: string | null }
  | { readonly kind: "resume"; readonly by: string | null };

/** Longest payload of a message: with its envelope it must fit into one event of 1 MiB. */
const MESSAGE_BYTES_MAX = 1_044_480;

/**
 * A signal under a key: unique per run, the first payload wins.
 *
 * @throws {@link RunsealError} `value.too_large` when the payload is longer than 1,044,480 bytes
 */
export function signalMessage(scope: Scope, runId: RunId, key: string, payload: JsonValue): InboxEntry {
  return { scope, runId, key: `signal:${key}`, kind: "signal", payload: recordable(payload) };
}

/**
 * A decision about a step: one per step, the first wins.
 *
 * @throws {@link RunsealError} `value.too_large` as {@link signalMessage} does
 */
export function decisionMessage(scope: Scope, runId: RunId, stepId: StepId, decision: StepDecision): InboxEntry {
  return { scope, runId, key: `decision:${stepId}`, kind: "decision", payload: recordable(fieldsOf(stepId, decision)) };
}

/**
 * What somebody says of a step in doubt: one per attempt, the first wins.
 *
 * @throws {@link RunsealError} `value.too_large` as {@link signalMessage} does
 */
export function doubtMessage(scope: Scope, runId: RunId, stepId: StepId, decision: DoubtDecision): InboxEntry {
  const { attempt } = decision;
  const payload = recordable({ ...fieldsOf(stepId, decision), attempt });
  return { scope, runId, key: doubtKeyOf(stepId, attempt), kind: "decision", payload };
}

/** The inbox key of the one decision about a doubt. */
export function doubtKeyOf(stepId: StepId, attempt: number): string {
  return `doubt:${stepId}:${attempt}`;
}

function fieldsOf(stepId: StepId, decision: StepDecision | DoubtDecision): JsonObject {
  const { verdict, issuer, subject, vouchedBy, payload, note } = decision;
  return {
    stepId,
    verdict,
    issuer,
    subject,
    vouchedBy,
    ...(payload !== undefined && { payload }),
    ...(note !== undefined && { note }),
  };
}

/** A request to end a run; a second one changes nothing. */
export function cancelMessage(
  scope: Scope,
  runId: RunId,
  cancel: { readonly reason: string; readonly by: string | null },
): InboxEntry {
  return { scope, runId, key: "cancel", kind: "cancel", payload: recordable({ reason: cancel.reason, by: cancel.by }) };
}

/** A request to rest at the next step boundary. `nonce` tells one pause of a run from the next. */
export function pauseMessage(
  scope: Scope,
  runId: RunId,
  pause: { readonly by: string | null; readonly nonce: string },
): InboxEntry {
  return { scope, runId, key: `pause:${pause.nonce}`, kind: "pause", payload: { by: pause.by } };
}

/** A request to go on after a pause. */
export function resumeMessage(
  scope: Scope,
  runId: RunId,
  resume: { readonly by: string | null; readonly nonce: string },
): InboxEntry {
  return { scope, runId, key: `resume:${resume.nonce}`, kind: "resume", payload: { by: resume.by } };
}

/** A payload as it will be recorded: redacted before it is stored anywhere, and short enough for its event. */
function recordable(payload: JsonValue): JsonValue {
  const clean = redact(payload);
  canonicalize(clean, { bytesMax: MESSAGE_BYTES_MAX });
  return clean;
}

/** What an inbox entry says; `undefined` when it has another shape than the makers above give it. */
export function readMessage(entry: InboxEntry): RunMessage | undefined {
  if (entry.kind === "signal") {
    return entry.key.startsWith("signal:") ? { kind: "signal", key: entry.key.slice(7), payload: entry.payload } : undefined;
  }
  const { payload } = entry;
  if (!isObject(payload)) return undefined;
  const by = typeof payload["by"] === "string" ? payload["by"] : null;
  switch (entry.kind) {
    case "decision":
      return readDecision(payload);
    case "cancel":
      return { kind: "cancel", reason: typeof payload["reason"] === "string" ? payload["reason"] : "", by };
    case "pause":
    case "resume":
      return { kind: entry.kind, by };
  }
}

function readDecision(fields: JsonObject): RunMessage | undefined {
  const { stepId, verdict, issuer, subject, vouchedBy, payload, note, attempt } = fields;
  if (typeof stepId !== "string" || typeof issuer !== "string" || typeof subject !== "string") return undefined;
  if (vouchedBy !== "authenticated" && vouchedBy !== "host") return undefined;
  const optional = { ...(payload !== undefined && { payload }), ...(typeof note === "string" && { note }) };
  const rest = { issuer, subject, vouchedBy, ...optional } as const;
  if (verdict === "approve" || verdict === "reject") return { kind: "decision", stepId, decision: { verdict, ...rest } };
  if (verdict !== "done" && verdict !== "not_done" && verdict !== "failed") return undefined;
  return typeof attempt === "number" ? { kind: "decision", stepId, decision: { verdict, ...rest, attempt } } : undefined;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
