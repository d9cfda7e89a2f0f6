import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { RunId } from "../model/ids.js";
import type { RunResult } from "../model/run.js";
import { isTerminal } from "../history/run-head.js";
import { readRunHead } from "./find-runbook.js";
import { runResultOf } from "../history/run-view.js";
import { runStream } from "../model/ids.js";
import { statusOf } from "./inspect.js";

/** How long a run that another process drives is left before it is looked at again, milliseconds. */
const LOOK_AGAIN_MS = 250;

/**
 * Waits until a run rests.
 *
 * A run of this process is waited for directly; one of another process is looked at again after every change that the stores
 * tell of, and every quarter of a second.
 */
export async function resultOf<O>(parts: InstanceParts, runId: RunId): Promise<RunResult<O>> {
  for (;;) {
    const active = parts.active.get(runId);
    if (active !== undefined) {
      const end = await active.end;
      if (end.kind === "rested") return withOutput<O>(end.result);
    }
    const head = await readRunHead(parts, runId);
    if (isTerminal(head.run.status) || head.run.status === "parked") {
      const result = runResultOf(await statusOf(parts, runId));
      if (result !== undefined) return withOutput<O>(result);
    }
    await somethingChanged(parts, runId);
  }
}

/** The output was checked against the schema of each verb that gave a part of it; its type is the catalog's. */
function withOutput<O>(result: RunResult): RunResult<O> {
  return result as RunResult<O & JsonValue>;
}

function somethingChanged(parts: InstanceParts, runId: RunId): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      unwatch();
      resolve();
    };
    const timer = parts.engine.env.schedule(LOOK_AGAIN_MS, done);
    const unwatch = parts.stores.watch((change) => {
      if (change === undefined || (change.stream === runStream(runId) && change.what === "commit")) done();
    });
  });
}
