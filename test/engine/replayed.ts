import type { AnyEvent } from "../../src/model/event.js";
import type { EngineParts } from "../../src/engine/parts.js";
import type { ReplayMode, ReplayReport } from "../../src/model/replay-report.js";
import type { Runbook } from "../../src/model/runbook.js";
import { breathe } from "../../src/time/breathe.js";
import { eventOf } from "../../src/history/read-event.js";
import { replayLog } from "../../src/engine/replay-log.js";
import { systemClock } from "../../src/time/clock.js";
import { runStream } from "../../src/model/ids.js";

/** What a test replays with. */
export interface Replayed {
  readonly parts: Pick<EngineParts, "stores" | "handlers">;
  readonly runbook: Runbook;
  readonly runId: string;
  readonly mode?: ReplayMode;
  /** Instead of what the stores hold. */
  readonly events?: readonly AnyEvent[];
  readonly toleranceMs?: number;
}

/** Replays a run of a rig, or a log that a test changed. */
export async function replayed({ parts, runbook, runId, mode = "replay_decisions", ...rest }: Replayed): Promise<ReplayReport> {
  const { events = await logOf(parts, runId), toleranceMs = 1_000 } = rest;
  return replayLog({
    scope: "default",
    runId,
    runbook,
    events,
    mode,
    toleranceMs,
    artifacts: parts.stores.artifacts,
    handlers: parts.handlers,
    env: {
      now: systemClock.now,
      sleep: systemClock.sleep,
      schedule: () => ({ cancel: () => undefined }),
      random: () => 0,
      entropy: (length) => new Uint8Array(length),
      uuid: () => "",
      breathe,
      inStep: (call) => call(),
    },
    found: [],
  });
}

/** Handlers whose contracts say that they change nothing: steps that are sealed as pure may be simulated with them. */
export function asPure(handlers: EngineParts["handlers"]): EngineParts["handlers"] {
  return (ref) => {
    const entry = handlers(ref);
    return entry === undefined ? undefined : { ...entry, contract: { ...entry.contract, effect: "pure" } };
  };
}

export async function logOf(parts: Pick<EngineParts, "stores">, runId: string): Promise<readonly AnyEvent[]> {
  const events: AnyEvent[] = [];
  for await (const stored of parts.stores.reader.read("default", runStream(runId))) events.push(eventOf(stored));
  return events;
}
