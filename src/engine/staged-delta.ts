import type { ArtifactWrite } from "../stores/event-store.js";
import type { EventDraft } from "../model/event.js";
import type { JsonObject } from "../json/value.js";

/** What an attempt wrote, as its end records it. */
export interface StagedDelta {
  readonly delta: JsonObject;
  readonly events: readonly EventDraft[];
  readonly artifacts: readonly ArtifactWrite[];
}
