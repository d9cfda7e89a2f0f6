import type { RunId } from "../model/ids.js";
import type { StoredEvent } from "../model/event.js";
import { RunsealError } from "../errors/error.js";

/**
 * Refuses an event whose payload retention has dropped: read as if nothing had happened, it would have a step done twice, or its undoing left out.
 *
 * @throws {@link RunsealError} `run.payload_dropped`
 */
export function assertPayload(runId: RunId, { seq, kind, payloadText }: StoredEvent): void {
  if (payloadText !== "") return;
  const message = `the payload of event ${seq} (${kind}) of run "${runId}" was dropped; what it said can't be gone on with`;
  throw new RunsealError("run.payload_dropped", message, { runId, seq, kind });
}
