import type { RunView } from "runseal";
import type { StoredEvent } from "../../src/model/event.js";
import type { StreamHead } from "../../src/model/run.js";
import type { Runbook } from "../../src/model/runbook.js";
import type { Stores } from "runseal";
import { runStream } from "../../src/model/ids.js";

/** A run as it is kept under `test/golden/v0`: one JSON value a line. */
export interface LogFile {
  readonly format: "runseal/golden-log/0";
  readonly scope: string;
  readonly runId: string;
  readonly runbook: Runbook;
  readonly head: StreamHead;
  readonly view: RunView;
  readonly events: readonly StoredEvent[];
}

/** Reads a run out of stores. */
export async function logOf(stores: Stores, scope: string, view: RunView): Promise<LogFile> {
  const { runId, runbookId } = view;
  const runbook = await stores.runbooks.get(scope, runbookId);
  const head = await stores.reader.head(scope, runStream(runId));
  if (runbook === undefined || head === undefined) throw new TypeError(`run ${runId} is not there`);
  const events: StoredEvent[] = [];
  for await (const event of stores.reader.read(scope, runStream(runId))) events.push(event);
  return { format: "runseal/golden-log/0", scope, runId, runbook, head, view, events };
}

/** The lines of a log: what the run is, then each event. */
export function formatLog(log: LogFile): string {
  const { events, ...rest } = log;
  return [rest, ...events].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Reads {@link formatLog}'s lines back. */
export function parseLog(text: string): LogFile {
  const [first = "{}", ...events] = text.trimEnd().split("\n");
  return { ...(JSON.parse(first) as Omit<LogFile, "events">), events: events.map((line) => JSON.parse(line) as StoredEvent) };
}
