import type { ArtifactWrite } from "../stores/event-store.js";
import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { JsonValue } from "../json/value.js";
import type { KnownSecrets } from "../secrets/known-secrets.js";
import type { Outcome } from "./step-outcome.js";
import type { Scope } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { canonicalize } from "../json/canonical.js";
import { redact, redactText } from "../secrets/redact.js";
import { redactDraft } from "../history/chain.js";
import { sha256Hex } from "../json/digest.js";

/**
 * Members of events that are names and counts of the engine's own: what reads them back must find them as they were. Keys and names
 * that handlers choose are refused before they get here.
 */
const STRUCTURAL: ReadonlySet<string> = new Set([
  "artifactId",
  "attempt",
  "declared",
  "dedupKey",
  "epoch",
  "key",
  "kind",
  "manifestId",
  "nonce",
  "owner",
  "parent",
  "payloadRef",
  "previous",
  "queue",
  "rawRef",
  "requires",
  "resultRef",
  "runId",
  "runbookId",
  "stepId",
]);

/** The secrets that were handed out where a run lives; `undefined` when there are none to look for. */
export function knownIn(parts: EngineParts, scope: Scope): KnownSecrets | undefined {
  const known = parts.secrets?.known(scope);
  return known === undefined || known.isEmpty ? undefined : known;
}

/** A draft without credentials and without secrets that were handed out. */
export function cleanDraft(draft: EventDraft, known: KnownSecrets | undefined): EventDraft {
  const clean = redactDraft(draft);
  if (known === undefined) return clean;
  const payload: { readonly [name: string]: JsonValue } = clean.payload;
  const members = Object.entries(payload).map(
    ([name, value]) => [name, STRUCTURAL.has(name) ? value : known.redact(value)] as const,
  );
  if (members.every(([name, value]) => payload[name] === value)) return clean;
  return { kind: clean.kind, payload: Object.fromEntries(members) } as EventDraft;
}

/** A value without credentials and without secrets that were handed out. */
export function cleanValue(value: JsonValue, known: KnownSecrets | undefined): JsonValue {
  const clean = redact(value);
  return known === undefined ? clean : known.redact(clean);
}

/** A text without credentials and without secrets that were handed out. */
export function cleanText(text: string, known: KnownSecrets | undefined): string {
  const clean = redactText(text);
  return known === undefined ? clean : known.redactText(clean);
}

/**
 * An outcome whose JSON artifacts hold no secret that was handed out; events name the artifacts as they came to be.
 *
 * The digest of an artifact is made of what is kept, so this comes before anything is hashed into the log.
 */
export function cleanOutcome(outcome: Outcome, known: KnownSecrets | undefined): Outcome {
  if (known === undefined || outcome.artifacts.length === 0) return outcome;
  const renamed = new Map<string, ArtifactWrite>();
  for (const artifact of outcome.artifacts) {
    const clean = cleanArtifact(artifact, known);
    if (clean !== undefined) renamed.set(artifact.id, clean);
  }
  if (renamed.size === 0) return outcome;
  return {
    artifacts: outcome.artifacts.map((artifact) => renamed.get(artifact.id) ?? artifact),
    events: outcome.events.map((event) => ({ kind: event.kind, payload: renamedIn(event.payload, renamed) }) as EventDraft),
  };
}

/** `undefined` when there is nothing to take out. What is not JSON was refused before. */
function cleanArtifact({ kind, bytes }: ArtifactWrite, known: KnownSecrets): ArtifactWrite | undefined {
  if (kind === "secret_payload" || !known.isInBytes(bytes)) return undefined;
  const value = JSON.parse(new TextDecoder().decode(bytes)) as JsonValue;
  const clean = new TextEncoder().encode(canonicalize(known.redact(value)));
  return { id: sha256Hex(clean), kind, bytes: clean };
}

/** Puts new ids and sizes where an event names an artifact. */
function renamedIn(payload: { readonly [name: string]: JsonValue }, renamed: ReadonlyMap<string, ArtifactWrite>): JsonValue {
  const members = Object.entries(payload).map(([name, value]): [string, JsonValue] => {
    if (typeof value === "string") return [name, renamed.get(value)?.id ?? value];
    const inner = value !== null && typeof value === "object" && !Array.isArray(value);
    return [name, inner && name === "delta" ? renamedIn(value as { readonly [name: string]: JsonValue }, renamed) : value];
  });
  const written = typeof payload["artifactId"] === "string" ? renamed.get(payload["artifactId"]) : undefined;
  if (written !== undefined) members.push(["bytes", written.bytes.byteLength]);
  return Object.fromEntries(members);
}

/**
 * Refuses a name that a handler chose and that holds a secret: a name can't be redacted, because it is looked up again.
 *
 * @throws {@link RunsealError} `secret.detected`; the name is not repeated
 */
export function refuseSecretName(name: unknown, what: string, known: KnownSecrets | undefined): void {
  if (known === undefined || typeof name !== "string" || !known.isIn(name)) return;
  throw new RunsealError("secret.detected", `${what} holds a secret that was handed out; name the thing, not the credential`, {
    pointer: "",
    rule: "known_secret",
  });
}
