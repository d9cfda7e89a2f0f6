import type { AnyEvent } from "../model/event.js";
import type { InstanceParts } from "./parts.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId, StreamName } from "../model/ids.js";
import type { StoredEvent } from "../model/event.js";
import { BundleWriter } from "../history/bundle-writer.js";
import { canonicalText } from "../json/canonical.js";
import { checkedEvent } from "../history/check-event.js";
import { namedArtifacts } from "../history/named-artifacts.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { recordOfRunbook } from "../stores/runbook-record.js";
import { runbookStream, runStream } from "../model/ids.js";

/**
 * Everything that is kept of a run as one JSONL text: what `verifyBundle` checks without a database (`docs/events.md`).
 *
 * The same log gives the same bytes. A run that moves on is exported as it was when the export began.
 *
 * @throws {@link RunsealError} `run.not_found`, `runbook.not_found`; `store.corrupt` where the log, the runbook or an artifact is damaged:
 * `verify` says how. Artifacts that are gone are left out, and `verifyBundle` says so
 */
export async function exportRun(parts: InstanceParts, runId: RunId): Promise<string> {
  const lines: string[] = [];
  for await (const line of exportLines(parts, runId)) lines.push(line);
  return lines.join("");
}

/** {@link exportRun} line by line, each with its line feed: one artifact at a time in memory. */
export async function* exportLines(parts: InstanceParts, runId: RunId): AsyncGenerator<string, void, undefined> {
  const { stores, scope } = parts;
  const head = await readRunHead(parts, runId);
  const { runbookId } = head.run;
  const runbook = await readRunbook(parts, runbookId);
  const writer = new BundleWriter();
  yield writer.header({ scope, runId, runbookId, head });
  yield writer.runbook(runbookTexts(runbook));
  // read up to where the run was: what the run spent was committed with its own events, and stands here by then
  const approvals = await stores.reader.head(scope, runbookStream(runbookId));
  for await (const event of eventsUpTo(parts, runbookStream(runbookId), approvals?.seq ?? 0)) yield writer.event(event);
  const events: AnyEvent[] = [];
  for await (const stored of eventsUpTo(parts, runStream(runId), head.seq)) {
    const checked = checkedEvent(stored);
    if ("event" in checked) events.push(checked.event);
    yield writer.event(stored);
  }
  for (const { id } of namedArtifacts(events)) {
    const artifact = await stores.artifacts.get(scope, id);
    if (artifact !== undefined) yield writer.artifact({ id, ...artifact });
  }
  for (const { key, kind, payload, consumed } of await stores.inbox.all(scope, runId)) {
    yield writer.inbox({ key, kind, payloadText: canonicalText(payload), consumed });
  }
  yield writer.end();
}

function runbookTexts(runbook: Runbook): Parameters<BundleWriter["runbook"]>[0] {
  const { id, contentText, evidenceText, document } = recordOfRunbook(runbook);
  return { id, contentText, documentDigest: document.digest, documentText: document.text, evidenceText };
}

async function* eventsUpTo(parts: InstanceParts, stream: StreamName, toSeq: number): AsyncIterable<StoredEvent> {
  if (toSeq > 0) yield* parts.stores.reader.read(parts.scope, stream, { toSeq });
}
