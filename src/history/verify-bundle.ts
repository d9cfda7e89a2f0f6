import type { AnyEvent, StoredEvent } from "../model/event.js";
import type { ArtifactLine, EventLine, InboxLine, RunbookLine } from "./bundle-format.js";
import type { BundleFault, BundleParts, Numbered } from "./read-bundle.js";
import type { Digest, RunbookId, RunId, Scope } from "../model/ids.js";
import type { JsonValue } from "../json/value.js";
import type { RunEvidence, RunVerdict } from "./verify-run.js";
import type { RunProblem } from "./run-problem.js";
import type { RunbookContent, RunbookDocument } from "../model/runbook.js";
import { RunsealError } from "../errors/error.js";
import { artifactProblem } from "./check-artifact.js";
import { bytesOfBase64 } from "../json/base64.js";
import { checkedEvent } from "./check-event.js";
import { isAbsence } from "./run-problem.js";
import { isDigest, runStream } from "../model/ids.js";
import { namedArtifacts } from "./named-artifacts.js";
import { readBundle } from "./read-bundle.js";
import { readCanonical } from "./read-canonical.js";
import { submissionOf, verifyRun } from "./verify-run.js";

/** What is wrong with a bundle, and where. */
export interface BundleProblem {
  /** From 1; `null` where no one line is to blame. */
  readonly line: number | null;
  readonly seq: number | null;
  readonly rule: RunProblem["rule"] | BundleRule;
  readonly message: string;
}

/** What only a bundle can break. */
type BundleRule =
  "bundle_malformed" | "bundle_unreadable" | "bundle_head" | "bundle_counts" | "bundle_digest" | "bundle_line" | "other_run";

/** The verdict on a bundle: that on its run, with lines. Members of the run are `null` where the bundle can't be read so far. */
export interface BundleVerdict extends Omit<RunVerdict, "integrity" | "head" | "problems"> {
  /** `"ok"`, or the first thing that does not agree. */
  readonly integrity: "ok" | { readonly line: number | null; readonly seq: number | null; readonly why: string };
  readonly scope: Scope | null;
  readonly runId: RunId | null;
  readonly runbookId: RunbookId | null;
  /** The end of the part of the log that can be trusted: compare it with one that was kept elsewhere, or pass that one in. */
  readonly head: { readonly seq: number; readonly hash: Digest } | null;
  /** Everything that was found; empty when everything agrees. */
  readonly problems: readonly BundleProblem[];
}

/** What {@link verifyBundle} may be told. */
export interface VerifyBundleOptions {
  /** A head as `head(runId)` gave it, kept elsewhere. Without one, a bundle that was forged as a whole looks sound. */
  readonly head?: { readonly seq: number; readonly hash: Digest; readonly stream?: string };
}

/**
 * Checks an exported bundle with nothing but itself: no database, no handlers, no catalog.
 *
 * Everything that `verify` checks of a run but the head beside its log; and the bundle's own lines, counts and digest, so that a
 * changed byte anywhere is noticed. Never throws for what the bundle holds, whatever was passed for one.
 *
 * Cost: linear in the bundle.
 *
 * @param bundle - its text, or its UTF-8 bytes
 * @throws {@link RunsealError} `run.invalid_option` for a kept head that is none
 */
export function verifyBundle(bundle: string | Uint8Array, options: VerifyBundleOptions = {}): BundleVerdict {
  assertHead(options);
  if (typeof bundle !== "string" && !isBytes(bundle)) return malformed({ line: 1, why: "is neither text nor bytes" });
  const reading = readBundle(bundle);
  if (reading.kind === "malformed") return malformed(reading.fault);
  try {
    return judge(reading.parts, options);
  } catch (error) {
    return unreadable(reading.parts, error);
  }
}

function assertHead({ head }: VerifyBundleOptions): void {
  if (head === undefined) return;
  if (Number.isSafeInteger(head.seq) && head.seq >= 0 && isDigest(head.hash)) return;
  throw new RunsealError("run.invalid_option", '"head" must be what head(runId) gave: { seq, hash }', { option: "head" });
}

/** `instanceof` would ask a hostile object for its prototype, and miss the bytes of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]";
}

/** What is said of a run that can't be judged. */
const UNJUDGED = {
  isSound: false,
  completeness: "partial",
  status: null,
  head: null,
  events: 0,
  unobserved: [],
  unknown: [],
} as const;

function malformed({ line, why }: BundleFault): BundleVerdict {
  const problem = { line, seq: null, rule: "bundle_malformed", message: `line ${line} ${why}` } as const;
  const integrity = { line, seq: null, why: problem.message };
  return { ...UNJUDGED, scope: null, runId: null, runbookId: null, integrity, problems: [problem] };
}

/** A bundle that is right in every digest and holds what no compiler and no engine wrote. */
function unreadable({ header }: BundleParts, error: unknown): BundleVerdict {
  const { scope, runId, runbookId } = header;
  const problem = { line: 2, seq: null, rule: "bundle_unreadable", message: `can't be judged: ${String(error)}` } as const;
  const integrity = { line: 2, seq: null, why: problem.message };
  return { ...UNJUDGED, scope, runId, runbookId, integrity, problems: [problem] };
}

function judge(parts: BundleParts, options: VerifyBundleOptions): BundleVerdict {
  const { header } = parts;
  const { scope, runId, runbookId } = header;
  const events = storedEvents(scope, parts.events);
  const runbook = runbookOf(parts.runbook);
  const verdict = verifyRun({
    scope,
    runId,
    runbook: runbook ?? null,
    events,
    approvals: storedEvents(scope, parts.approvals),
    ...(options.head !== undefined && { keptHead: options.head }),
  });
  const problems: BundleProblem[] = [
    ...verdict.problems.map((problem) => ({ line: lineOfProblem(parts, problem), ...problem })),
    ...runbookLineProblems(parts, runbook),
    ...artifactLineProblems(parts, events, runbook),
    ...inboxLineProblems(parts.inbox),
    ...frameProblems(parts, verdict),
    ...otherRun(runId, options),
  ];
  const integrity = integrityOf(parts, verdict, problems);
  const isPartial = verdict.completeness === "partial" || problems.some((problem) => isAbsence(problem));
  const { status, unobserved, unknown } = verdict;
  const { seq, hash } = verdict.head;
  return {
    isSound: integrity === "ok" && problems.length === 0,
    integrity,
    completeness: isPartial ? "partial" : "full",
    status,
    scope,
    runId,
    runbookId,
    head: { seq, hash },
    events: events.length,
    problems,
    unobserved,
    unknown,
  };
}

const RUNBOOK_LINE = 2;

function lineOfProblem(parts: BundleParts, { rule, seq }: RunProblem): number | null {
  return rule === "runbook_digest" || rule === "document_digest" ? RUNBOOK_LINE : lineOfSeq(parts, seq);
}

/** A broken chain first, then whatever was found first. */
function integrityOf(parts: BundleParts, verdict: RunVerdict, problems: readonly BundleProblem[]): BundleVerdict["integrity"] {
  const first = problems.find((problem) => !isAbsence(problem));
  const found = first === undefined ? "ok" : { line: first.line, seq: first.seq, why: first.message };
  const { integrity } = verdict;
  if (integrity === "ok" || integrity.why === first?.message) return found;
  return { line: lineOfSeq(parts, verdict.head.seq + 1), ...integrity };
}

/** The line of the event in that place of the log; `null` where there is none. */
function lineOfSeq({ events }: BundleParts, seq: number | null): number | null {
  const [event] = seq === null ? [] : events.slice(seq - 1, seq);
  return event?.line ?? null;
}

function storedEvents(scope: Scope, lines: readonly Numbered<EventLine>[]): readonly StoredEvent[] {
  return lines.map(({ value }) => {
    const { type: _type, ...event } = value;
    return { ...event, scope };
  });
}

type BundledRunbook = NonNullable<RunEvidence["runbook"]>;

/** The runbook of its line; `undefined` where its texts are none. */
function runbookOf({ id, contentText, documentDigest, documentText }: RunbookLine): BundledRunbook | undefined {
  const content = readCanonical(contentText);
  const document = readCanonical(documentText);
  if (content.kind !== "read" || document.kind !== "read") return undefined;
  // held against their digests next; what they are beyond that is found out by using them
  return {
    id,
    documentDigest,
    content: content.value as JsonValue & RunbookContent,
    document: document.value as JsonValue & RunbookDocument,
  };
}

function runbookLineProblems(parts: BundleParts, runbook: BundledRunbook | undefined): readonly BundleProblem[] {
  const { scope, runbookId } = parts.header;
  const at = { line: RUNBOOK_LINE, seq: null } as const;
  if (runbook === undefined) {
    return [{ ...at, rule: "runbook_digest", message: `the texts of "${runbookId}" are not canonical` }];
  }
  const problems: BundleProblem[] = [];
  if (runbook.content.scope !== scope) {
    problems.push({ ...at, rule: "other_runbook", message: `"${runbookId}" is sealed for another scope than "${scope}"` });
  }
  if (readCanonical(parts.runbook.evidenceText).kind !== "read") {
    problems.push({ ...at, rule: "bundle_line", message: "the evidence beside the runbook is not canonical" });
  }
  return problems;
}

/** Every artifact that the log names against its line, and lines of artifacts that it does not name. */
function artifactLineProblems(
  parts: BundleParts,
  events: readonly StoredEvent[],
  runbook: BundledRunbook | undefined,
): readonly BundleProblem[] {
  const submission = submissionOf(events);
  const manifestOf = runbook === undefined || submission === undefined ? undefined : { runbook, submission };
  const lines = new Map<Digest, Numbered<ArtifactLine>>();
  const problems: BundleProblem[] = [];
  for (const each of parts.artifacts) {
    const { line, value } = each;
    if (lines.has(value.id)) problems.push(stray(line, `artifact "${value.id}" is there twice`));
    lines.set(value.id, each);
  }
  for (const named of namedArtifacts(readable(events))) {
    const found = lines.get(named.id);
    lines.delete(named.id);
    const bytes = found === undefined ? undefined : (bytesOfBase64(found.value.base64) ?? "damaged");
    const problem = artifactProblem(named, bytes, manifestOf);
    if (problem !== undefined) problems.push({ line: found?.line ?? lineOfSeq(parts, named.seq), ...problem });
  }
  for (const { line, value } of lines.values()) problems.push(stray(line, `artifact "${value.id}" is not named by the log`));
  return problems;
}

function readable(events: readonly StoredEvent[]): readonly AnyEvent[] {
  return events.flatMap((stored) => {
    const checked = checkedEvent(stored);
    return "event" in checked ? [checked.event] : [];
  });
}

function inboxLineProblems(inbox: readonly Numbered<InboxLine>[]): readonly BundleProblem[] {
  const keys = new Set<string>();
  return inbox.flatMap(({ line, value }, index) => {
    const isKnownKey = keys.has(value.key);
    keys.add(value.key);
    if (value.order !== index + 1) return [stray(line, `message ${value.order} of the inbox stands in place ${index + 1}`)];
    if (isKnownKey) return [stray(line, `the inbox has the key "${value.key}" twice`)];
    if (readCanonical(value.payloadText).kind === "read") return [];
    return [stray(line, `message ${value.order} of the inbox is not canonical`)];
  });
}

function stray(line: number, message: string): BundleProblem {
  return { line, seq: null, rule: "bundle_line", message };
}

/** What the first and the last line say against what is between them. */
function frameProblems(parts: BundleParts, verdict: RunVerdict): readonly BundleProblem[] {
  const { header, end } = parts;
  const { seq, hash } = verdict.head;
  const problems: BundleProblem[] = [];
  // of a chain that breaks the end is not known
  const isWhole = seq === parts.events.length;
  if (isWhole && (header.head.seq !== seq || header.head.hash !== hash)) {
    const why = header.head.seq === seq ? "it has another hash" : `the log ends at ${seq}`;
    problems.push({
      line: 1,
      seq: null,
      rule: "bundle_head",
      message: `the head of the first line is not the end of the log: ${why}`,
    });
  }
  for (const list of ["approvals", "events", "artifacts", "inbox"] as const) {
    const [counted, said] = [parts[list].length, end.value[list]];
    if (counted === said) continue;
    const message = `there are ${counted} lines of ${list}, and the last line says ${said}`;
    problems.push({ line: end.line, seq: null, rule: "bundle_counts", message });
  }
  if (end.value.digest !== parts.digest) {
    const message = "the lines do not have the digest that the last one says";
    problems.push({ line: end.line, seq: null, rule: "bundle_digest", message });
  }
  return problems;
}

function otherRun(runId: RunId, { head }: VerifyBundleOptions): readonly BundleProblem[] {
  if (head?.stream === undefined || head.stream === runStream(runId)) return [];
  return [{ line: 1, seq: null, rule: "other_run", message: `the kept head is that of "${head.stream}"` }];
}
