import type { InboxEntry } from "../stores/inbox.js";
import type { InstanceParts } from "./parts.js";
import type { RunId } from "../model/ids.js";
import { cleanValue, knownIn } from "../engine/keep-secret.js";
import { refuseSecret } from "./refuse-secret.js";
import { INBOX_UNDELIVERED_MAX } from "../stores/inbox.js";
import { RunsealError } from "../errors/error.js";
import { isTerminal } from "../history/run-head.js";
import { readRunHead, runNotFound } from "./find-runbook.js";

/**
 * Puts a message into a run's inbox; an equal one that is there already will do.
 *
 * @param key - what the sender calls the message, for the errors
 * @throws {@link RunsealError} `signal.conflict` where another payload was first, `run.terminal`, `run.not_found`, `signal.too_many`; `secret.detected` for a key that holds a secret
 */
export async function putMessage(parts: InstanceParts, entry: InboxEntry, key: string): Promise<void> {
  const { runId } = entry;
  refuseSecret(parts, key, "the key of a message");
  const { faultPoint } = parts.engine;
  faultPoint?.("message.before_put");
  const answer = await parts.stores.inbox.put({
    ...entry,
    payload: cleanValue(entry.payload, knownIn(parts.engine, parts.scope)),
  });
  faultPoint?.("message.after_put");
  switch (answer.kind) {
    case "stored":
    case "same":
      return;
    case "conflict":
      throw new RunsealError("signal.conflict", `run "${runId}" has another payload under "${key}": the first one stays`, {
        runId,
        key,
      });
    case "terminal":
      throw runTerminal(runId, answer.status);
    case "not_found":
      throw runNotFound(parts, runId);
    case "full":
      throw new RunsealError(
        "signal.too_many",
        `run "${runId}" has ${INBOX_UNDELIVERED_MAX} messages waiting: let it run, or cancel it`,
        {
          runId,
          undeliveredMax: INBOX_UNDELIVERED_MAX,
        },
      );
  }
}

/** Refuses a run that has ended: `run.terminal`. */
export async function assertOpen(parts: InstanceParts, runId: RunId): Promise<void> {
  const head = await readRunHead(parts, runId);
  if (isTerminal(head.run.status)) throw runTerminal(runId, head.run.status);
}

/** The error for a run that has ended. */
export function runTerminal(runId: RunId, status: string): RunsealError<"run.terminal"> {
  return new RunsealError("run.terminal", `run "${runId}" is ${status}: nothing can change it`, { runId, status });
}
