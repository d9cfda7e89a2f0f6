import type { AnyEvent } from "../model/event.js";
import type { Digest } from "../model/ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";

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
}

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
    const known = byId.get(id) ?? { id, seq, kind: null, bytes: null, isManifest: false };
    byId.set(id, { ...known, ...more });
  };
  for (const event of events) {
    if (event.kind === "artifact.written") {
      const { artifactId, kind, bytes } = event.payload;
      name(artifactId, event.seq, { kind, bytes });
    } else if (event.kind === "run.started") {
      name(event.payload.manifestId, event.seq, { isManifest: true });
    } else {
      for (const id of referencesIn(event.payload)) name(id, event.seq);
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

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
