import type { AnyEvent } from "../model/event.js";
import type { Digest } from "../model/ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import { isObject } from "./member-types.js";

/** An artifact that a log names, and what the log says of it. */
export interface NamedArtifact {
  readonly id: Digest;
  /** The event that names it first. */
  readonly seq: number;
  /** `null` where no event says. */
  readonly kind: string | null;
  /** Size by the log; `null` where no event says. */
  readonly bytes: number | null;
  readonly isManifest: boolean;
  /** Whether its bytes are the canonical text of a value; the others are the handler's own bytes, or encrypted. */
  readonly isValue: boolean;
}

/** Kinds that only the engine writes: values, all of them. */
const VALUE_KINDS = new Set([
  "result",
  "raw_result",
  "fact_payload",
  "context_delta",
  "context_snapshot",
  "failure_snapshot",
  "manifest",
]);

const ENCRYPTED_KIND = "secret_payload";

/**
 * Every artifact that the events of a run name, each once, in order of first naming: `manifestId` of `run.started`, `artifactId` of
 * `artifact.written`, and every member `ref` or `…Ref` of a payload or of its `delta`.
 *
 * Cost: linear in the members of the payloads' first two levels.
 */
export function namedArtifacts(events: Iterable<AnyEvent>): readonly NamedArtifact[] {
  const byId = new Map<Digest, NamedArtifact>();
  const name = (id: JsonValue | undefined, seq: number, more: Partial<NamedArtifact> = {}): void => {
    if (typeof id !== "string") return;
    const known = byId.get(id) ?? { id, seq, kind: null, bytes: null, isManifest: false, isValue: false };
    const named = { ...known, ...more };
    byId.set(id, { ...named, isValue: (known.isValue || named.isValue) && named.kind !== ENCRYPTED_KIND });
  };
  for (const event of events) {
    if (event.kind === "artifact.written") {
      const { artifactId, kind, bytes } = event.payload;
      name(artifactId, event.seq, { kind, bytes, isValue: VALUE_KINDS.has(kind) });
    } else if (event.kind === "run.started") {
      name(event.payload.manifestId, event.seq, { isManifest: true, isValue: true });
    } else {
      const isValue = !event.kind.startsWith("unknown:");
      for (const id of referencesIn(event.payload)) name(id, event.seq, { isValue });
    }
  }
  return [...byId.values()];
}

function referencesIn(payload: JsonValue): readonly JsonValue[] {
  if (!isObject(payload)) return [];
  const delta = Object.hasOwn(payload, "delta") ? payload["delta"] : undefined;
  return [...refMembers(payload), ...(isObject(delta) ? refMembers(delta) : [])];
}

function refMembers(object: JsonObject): readonly JsonValue[] {
  return Object.entries(object).flatMap(([member, value]) => (member === "ref" || member.endsWith("Ref") ? [value] : []));
}
