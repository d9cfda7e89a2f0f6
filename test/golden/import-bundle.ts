import { setTimeout as later } from "node:timers/promises";
import type { BundleLine, EventLine } from "../../src/history/bundle-format.js";
import type { InboxKind } from "../../src/stores/inbox.js";
import type { JsonValue } from "../../src/json/value.js";
import type { RunHead } from "../../src/model/run.js";
import type { Stores } from "runseal";
import { digestOfText } from "../../src/json/digest.js";
import { nextRunHead } from "../../src/history/run-head.js";
import { runbookOfRecord } from "../../src/stores/runbook-record.js";
import { runStream } from "../../src/model/ids.js";

/** The lines of a bundle of one type. */
export function linesOf<T extends BundleLine["type"]>(bundle: string, type: T): readonly Extract<BundleLine, { type: T }>[] {
  const lines = bundle.trimEnd().split("\n");
  return lines
    .map((line) => JSON.parse(line) as BundleLine)
    .filter((line): line is Extract<BundleLine, { type: T }> => line.type === type);
}

/** The runbook that a bundle holds. */
export function runbookIn(bundle: string) {
  const [line] = linesOf(bundle, "runbook");
  const [header] = linesOf(bundle, "bundle");
  if (line === undefined || header === undefined) throw new TypeError("a bundle begins with its header and its runbook");
  const { id, contentText, evidenceText, documentDigest, documentText } = line;
  const document = { digest: documentDigest, text: documentText };
  const evidenceDigest = digestOfText("runseal/runbook-evidence/1", evidenceText);
  return runbookOfRecord({ scope: header.scope, id, contentText, evidenceText, evidenceDigest, document });
}

/**
 * Writes a bundle into stores as its processes once did: commit by commit, each under the lease that it was written under.
 *
 * Each lease ends with its commit; where its owner does not count as dead, the next one waits for its term of a millisecond.
 *
 * @param stores - empty of this run
 */
export async function importBundle(stores: Stores, bundle: string): Promise<{ readonly scope: string; readonly runId: string }> {
  const [header] = linesOf(bundle, "bundle");
  if (header === undefined) throw new TypeError("a bundle begins with its header");
  const { scope, runId } = header;
  await stores.runbooks.put(runbookIn(bundle));
  for (const { id, kind, base64 } of linesOf(bundle, "artifact")) {
    await stores.artifacts.put(scope, { id, kind, bytes: new Uint8Array(Buffer.from(base64, "base64")) });
  }
  const events = linesOf(bundle, "event");
  const stream = runStream(runId);
  const approvals = events.filter((event) => event.stream !== stream);
  if (approvals[0] !== undefined) await write(stores, scope, approvals, {});
  const own = events.filter((event) => event.stream === stream);
  let run: RunHead | null = null;
  for (const epoch of new Set(own.map((event) => event.epoch))) {
    const part = own.filter((event) => event.epoch === epoch);
    for (const event of part) run = nextRunHead(run, { ...event, payload: JSON.parse(event.payloadText) as JsonValue }, runId);
    const claim = epoch === 0 ? {} : { claim: { owner: `owner-${epoch}`, epoch, leaseMs: 1 } };
    await write(stores, scope, part, { ...claim, ...(run !== null && { run }) });
  }
  for (const { key, kind, payloadText, consumed } of linesOf(bundle, "inbox")) {
    if (consumed) continue;
    const payload = JSON.parse(payloadText) as JsonValue;
    await stores.inbox.put({ scope, runId, key, kind: kind as InboxKind, payload });
  }
  return { scope, runId };
}

type Extras = Pick<Parameters<Stores["events"]["commit"]>[0][number], "claim" | "run">;

async function write(stores: Stores, scope: string, events: readonly EventLine[], extras: Extras): Promise<void> {
  const [first] = events;
  if (first === undefined) return;
  const { stream, seq } = first;
  const commit = { scope, stream, expectedSeq: seq - 1, fence: null, events, artifacts: [], ...extras };
  let answer = await stores.events.commit([commit]);
  while (answer.kind === "held") {
    await later(1);
    answer = await stores.events.commit([commit]);
  }
  if (answer.kind !== "committed") throw new TypeError(`the events of ${stream} from ${seq} on: ${JSON.stringify(answer)}`);
}
