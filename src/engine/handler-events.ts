import type { AttemptOf } from "./attempt-of.js";
import type { DomainEvent } from "../model/step-context.js";
import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";
import { refuseSecretName } from "./keep-secret.js";
import { isEventKind } from "../model/event.js";

/** Largest payload of a handler's event: with its envelope it must fit into one event of 1 MiB. */
const PAYLOAD_BYTES_MAX = 1_044_480;

const NAME = /^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,7}$/;

/**
 * Adds events of a handler's own to the log, in order, all or none.
 *
 * @throws {@link RunsealError} `domain.event_invalid` for a name that is none, or that the engine has; `value.not_canonical`, `value.too_large`
 */
export async function emitEvents(parts: EngineParts, { step, record }: AttemptOf, events: readonly DomainEvent[]): Promise<void> {
  const drafts = events.map(({ name, payload }): EventDraft => {
    checkName(name);
    refuseSecretName(name, "the name of an event", record.known);
    return {
      kind: "domain",
      payload: { name, stepId: step.id, payload: copyCanonical(payload, { bytesMax: PAYLOAD_BYTES_MAX }) },
    };
  });
  if (parts.eventProfile === "minimal") return;
  record.append(drafts);
  await record.ease();
}

/**
 * Says how far a step is.
 *
 * @throws {@link RunsealError} `domain.event_invalid` when `done` or `total` is no count, or more is done than there is
 */
export async function emitProgress(
  parts: EngineParts,
  { step, record }: AttemptOf,
  done: number,
  total: number | undefined,
): Promise<void> {
  const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0;
  if (!isCount(done) || (total !== undefined && (!isCount(total) || done > total))) {
    const message = "progress takes whole numbers: what is done, and how much there is in total, which is no less";
    throw new RunsealError("domain.event_invalid", message, { field: "progress" });
  }
  if (parts.eventProfile === "minimal") return;
  record.append([{ kind: "progress", payload: { stepId: step.id, done, total: total ?? null } }]);
  await record.ease();
}

function checkName(name: unknown): void {
  const isName = typeof name === "string" && NAME.test(name);
  if (isName && !isEventKind(name)) return;
  const message = isName
    ? `"${name}" is a kind of event of the engine's own; choose another name`
    : "the name of an event is lower-case words joined by dots, such as invoice.sent";
  throw new RunsealError("domain.event_invalid", message, { field: "name" });
}
