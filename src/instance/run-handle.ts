import type { AnyEvent } from "../model/event.js";
import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { RunId } from "../model/ids.js";
import type { RunResult, RunView } from "../model/run.js";
import { cancel, signal } from "./messages.js";
import { historyOf, statusOf } from "./inspect.js";
import { resultOf } from "./run-result.js";

/** One run, as a caller holds it. Cheap: it holds an id, and asks the stores. */
export interface RunHandle<O = JsonValue> {
  readonly runId: RunId;
  /** Waits until the run rests: completed, failed, canceled or parked. */
  result(): Promise<RunResult<O>>;
  status(): Promise<RunView>;
  /** The log so far, in order. */
  events(): AsyncIterable<AnyEvent>;
  /** Asks the run to end; what is in flight is aborted and its late results are not applied. */
  cancel(reason?: string): Promise<void>;
  /** Puts a signal into the run's inbox. */
  signal(key: string, payload: unknown): Promise<void>;
}

/** Makes the handle of a run. */
export function runHandle<O = JsonValue>(parts: InstanceParts, runId: RunId): RunHandle<O> {
  return Object.freeze({
    runId,
    result: () => resultOf<O>(parts, runId),
    status: () => statusOf(parts, runId),
    events: () => historyOf(parts, runId),
    cancel: (reason?: string) => cancel(parts, runId, reason ?? "requested"),
    signal: (key: string, payload: unknown) => signal(parts, runId, key, payload),
  });
}
