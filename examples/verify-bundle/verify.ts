import { createHash } from "node:crypto";
import { readCanonical, type Json } from "./canonical.js";
import { digestOf, isObject, readLines, type Members } from "./lines.js";

/** What this verifier says of a bundle. */
export interface Verdict {
  readonly isSound: boolean;
  readonly status: string | null;
  readonly problems: readonly string[];
}

const STATUS: { readonly [kind: string]: string } = {
  "run.submitted": "queued",
  "run.started": "running",
  "run.resumed": "running",
  "run.parked": "parked",
  "run.paused": "parked",
  "run.completed": "completed",
  "run.failed": "failed",
  "run.canceled": "canceled",
};
const VALUE_KINDS = ["result", "raw_result", "fact_payload", "context_delta", "context_snapshot", "failure_snapshot"];

/**
 * Checks a bundle by the format in `docs/events.md` (section "Bundle"), with SHA-256 and JSON alone. Shares no code with the package.
 *
 * @param kept - the head of the run, from where whoever made the bundle could not reach it
 */
export function verify(bytes: Uint8Array, kept?: { readonly seq: number; readonly hash: string }): Verdict {
  const lines = readLines(bytes);
  if (typeof lines === "string") return { isSound: false, status: null, problems: [lines] };
  const [header = {}, runbook = {}] = lines.all;
  const end = lines.all.at(-1) ?? {};
  const of = (type: string): readonly Members[] => lines.all.filter((line) => line["type"] === type);
  const streams = { run: `run/${text(header["runId"])}`, runbook: `runbook/${text(header["runbookId"])}` };
  const events = of("event").filter((event) => event["stream"] === streams.run);
  const approvals = of("event").filter((event) => event["stream"] === streams.runbook);
  const payloads = events.map(payloadOf);
  const problems = [
    ...frame(lines.digest, end, { approvals, events, artifacts: of("artifact"), inbox: of("inbox") }),
    ...sequence(of("event"), approvals, events),
    ...sealed(header, runbook),
    ...chain(header, streams.runbook, approvals),
    ...chain(header, streams.run, events),
    ...heads(header, events, kept),
    ...artifacts(events, payloads, of("artifact"), header["runbookId"]),
    ...granted(header, events, payloads, approvals),
    ...messages(of("inbox")),
  ];
  const status = events.reduce<string | null>((last, { kind }) => STATUS[text(kind)] ?? last, null);
  return { isSound: problems.length === 0, status, problems };
}

/** Check 1: what the last line says of the others. */
function frame(digest: string, end: Members, lists: { readonly [name: string]: readonly Members[] }): readonly string[] {
  const wrong = Object.keys(lists).filter((name) => lists[name]?.length !== end[name]);
  const counts = wrong.map((name) => `the last line counts other ${name}`);
  return end["digest"] === digest ? counts : [...counts, "the lines do not have the digest of the last one"];
}

/** Check 1: every event is of one of the two streams, the runbook's first. */
function sequence(all: readonly Members[], approvals: readonly Members[], events: readonly Members[]): readonly string[] {
  const inOrder = [...approvals, ...events];
  const isOrdered = all.length === inOrder.length && all.every((event, index) => event === inOrder[index]);
  return isOrdered ? [] : ["events are of another stream, or out of their place"];
}

/** Check 2: the runbook has its id and its document its digest. */
function sealed(header: Members, runbook: Members): readonly string[] {
  const { id, contentText, documentText, documentDigest, evidenceText } = runbook;
  const content = readCanonical(text(contentText));
  const problems: string[] = [];
  if (id !== header["runbookId"] || id !== `rb_${digestOf("runseal/runbook/1", text(contentText))}`)
    problems.push("the runbook does not have its id");
  const shown = `{"document":${text(documentText)},"id":"${text(id)}"}`;
  if (documentDigest !== digestOf("runseal/document/1", shown)) problems.push("the document does not have its digest");
  if (!isObject(content) || content["scope"] !== header["scope"]) problems.push("the runbook is of another scope");
  if ([documentText, evidenceText].some((each) => readCanonical(text(each)) === undefined))
    problems.push("a text of the runbook is not canonical");
  return problems;
}

/** Check 3: a chain from its genesis on; empty payloads must have been dropped. */
function chain({ scope }: Members, stream: string, events: readonly Members[]): readonly string[] {
  const dropped = events.filter(({ kind }) => kind === "payload.dropped").map(payloadOf);
  let prev = digestOf("runseal/stream/1", `{"scope":${JSON.stringify(scope)},"stream":${JSON.stringify(stream)}}`);
  for (const [index, event] of events.entries()) {
    const { seq, payloadText, payloadDigest, hash } = event;
    const isDropped = payloadText === "" && dropped.some((range) => isWithin(range, index + 1));
    const isPayload = isDropped || payloadDigest === digestOf("runseal/payload/1", text(payloadText));
    const names = ["epoch", "kind", "payloadDigest", "prev", "seq", "stream", "v"];
    const linked = `{${names.map((name) => `"${name}":${JSON.stringify(event[name])}`).join(",")}}`;
    if (seq !== index + 1 || event["prev"] !== prev || !isPayload || hash !== digestOf("runseal/event/1", linked))
      return [`event ${index + 1} of ${stream} breaks the chain`];
    if (!isDropped && readCanonical(text(payloadText)) === undefined)
      return [`the payload of event ${index + 1} of ${stream} is not canonical`];
    prev = text(hash);
  }
  return [];
}

/** Check 3: the end of the run's chain, and the head that was kept elsewhere. */
function heads(
  { head }: Members,
  events: readonly Members[],
  kept?: { readonly seq: number; readonly hash: string },
): readonly string[] {
  const last = events.at(-1);
  const isHead =
    isObject(head) && Object.keys(head).length === 2 && head["seq"] === last?.["seq"] && head["hash"] === last?.["hash"];
  const problems = isHead ? [] : ["the log does not end with the head of the first line"];
  const isKept = kept === undefined || kept.seq === 0 || events[kept.seq - 1]?.["hash"] === kept.hash;
  return isKept ? problems : [...problems, "the log does not hold the head that was kept"];
}

/** Checks 4 and 5: every artifact that an event names is there, has its digest, and is a value where it should be; the manifest names the runbook. */
function artifacts(
  events: readonly Members[],
  payloads: readonly Members[],
  lines: readonly Members[],
  runbookId: Json | undefined,
): readonly string[] {
  const bytes = new Map(lines.map(({ id, base64 }) => [text(id), Buffer.from(text(base64), "base64")]));
  const kinds = new Map(payloads.map(({ artifactId, kind }) => [text(artifactId), text(kind)]));
  const names = payloads.flatMap((payload, index) => referencesOf(text(events[index]?.["kind"]), payload));
  const manifest = text(payloads[events.findIndex(({ kind }) => kind === "run.started")]?.["manifestId"]);
  const values = new Set(names.filter(({ isValue }) => isValue).map(({ id }) => id));
  const problems = lines
    .filter(({ base64 }) => Buffer.from(text(base64), "base64").toString("base64") !== base64)
    .map(({ id }) => `artifact ${text(id)} is not base64`);
  if (bytes.size !== lines.length) problems.push("an artifact is there twice");
  for (const id of new Set(names.map((name) => name.id))) {
    const found = bytes.get(id);
    bytes.delete(id);
    if (found === undefined || createHash("sha256").update(found).digest("hex") !== id) {
      problems.push(`artifact ${id} is missing or damaged`);
      continue;
    }
    const value = readCanonical(found.toString("utf8"));
    if (values.has(id) && kinds.get(id) !== "secret_payload" && value === undefined)
      problems.push(`artifact ${id} is not canonical`);
    if (id === manifest && (!isObject(value) || value["runbookId"] !== runbookId))
      problems.push("the manifest is of another runbook");
  }
  return [...problems, ...[...bytes.keys()].map((id) => `artifact ${id} is not named by the log`)];
}

function referencesOf(kind: string, payload: Members): readonly { readonly id: string; readonly isValue: boolean }[] {
  if (kind === "artifact.written")
    return [{ id: text(payload["artifactId"]), isValue: VALUE_KINDS.includes(text(payload["kind"])) }];
  if (kind === "run.started") return [{ id: text(payload["manifestId"]), isValue: true }];
  const delta = isObject(payload["delta"]) ? payload["delta"] : {};
  const members = [...Object.entries(payload), ...Object.entries(delta)];
  return members
    .filter(([name, id]) => (name === "ref" || name.endsWith("Ref")) && typeof id === "string")
    .map(([, id]) => ({ id: text(id), isValue: true }));
}

/** Check 5: each approval that the run names was given for this runbook and spent by this run. */
function granted(
  { runId, runbookId }: Members,
  events: readonly Members[],
  payloads: readonly Members[],
  approvals: readonly Members[],
): readonly string[] {
  const started = payloads[events.findIndex(({ kind }) => kind === "run.started")];
  const nonces = Array.isArray(started?.["approvals"]) ? (started["approvals"] as readonly Json[]) : [];
  const told = approvals.map((event): Members => ({ ...payloadOf(event), is: text(event["kind"]) }));
  return nonces
    .filter((nonce) => {
      const given = told.find((each) => each["is"] === "approval.given" && each["nonce"] === nonce);
      const isSpent = told.some(
        (each) => each["is"] === "approval.consumed" && each["nonce"] === nonce && each["runId"] === runId,
      );
      return given?.["runbookId"] !== runbookId || given?.["decision"] !== "approve" || !isSpent;
    })
    .map((nonce) => `approval ${text(nonce)} was not given for this runbook, or not spent by this run`);
}

/** Check 1: messages are numbered, have keys of their own, and canonical payloads. */
function messages(inbox: readonly Members[]): readonly string[] {
  const isNumbered = inbox.every(({ order }, index) => order === index + 1);
  const hasOwnKeys = new Set(inbox.map(({ key }) => key)).size === inbox.length;
  const isRead = inbox.every(({ payloadText }) => readCanonical(text(payloadText)) !== undefined);
  return isNumbered && hasOwnKeys && isRead ? [] : ["the inbox is not as it was written"];
}

function payloadOf(event: Members): Members {
  const payload = readCanonical(text(event["payloadText"]));
  return isObject(payload) ? payload : {};
}

function isWithin({ fromSeq, toSeq }: Members, seq: number): boolean {
  return typeof fromSeq === "number" && typeof toSeq === "number" && fromSeq <= seq && seq <= toSeq;
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
