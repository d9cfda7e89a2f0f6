import type { FoundRun } from "./find-runbook.js";
import type { InstanceParts } from "./parts.js";
import type { RunStatus } from "../model/run.js";

/** Heads read at a time. */
const PAGE = 200;

/** The runs of the scope with one of these statuses, newest first, read page by page. A run may have moved on when it is looked at. */
export async function* openRuns(parts: InstanceParts, status: readonly RunStatus[]): AsyncIterable<FoundRun> {
  let after: string | undefined;
  for (;;) {
    const heads = await parts.stores.runs.list(parts.scope, { status, limit: PAGE, ...(after !== undefined && { after }) });
    for (const head of heads) if (head.run !== null) yield { ...head, run: head.run };
    after = heads.at(-1)?.run?.runId;
    if (heads.length < PAGE || after === undefined) return;
  }
}
