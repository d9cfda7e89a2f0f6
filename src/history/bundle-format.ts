import type { Digest, RunbookId, RunId, Scope, StreamName } from "../model/ids.js";
import type { FieldType } from "../model/event.js";
import { digestOfText } from "../json/digest.js";

/** Version of the bundle format; a member of its first line. */
export const BUNDLE_FORMAT = 1;

const BUNDLE_TAG = "runseal/bundle/1";

/** The first line: which run, and where its log ends. */
export interface HeaderLine {
  readonly type: "bundle";
  readonly format: typeof BUNDLE_FORMAT;
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  readonly head: { readonly seq: number; readonly hash: Digest };
}

/** The second line: what was sealed, what people read of it, and what explains it, each as canonical text. */
export interface RunbookLine {
  readonly type: "runbook";
  readonly id: RunbookId;
  readonly contentText: string;
  readonly documentDigest: Digest;
  readonly documentText: string;
  /** Macro audits, lookups and contracts: in no digest of the runbook. */
  readonly evidenceText: string;
}

/** One event of the runbook's stream or of the run's. */
export interface EventLine {
  readonly type: "event";
  readonly stream: StreamName;
  readonly seq: number;
  readonly kind: string;
  readonly v: number;
  readonly epoch: number;
  readonly at: number;
  readonly payloadText: string;
  readonly payloadDigest: Digest;
  readonly prev: Digest;
  readonly hash: Digest;
}

/** The bytes of one artifact that the run's log names. */
export interface ArtifactLine {
  readonly type: "artifact";
  readonly id: Digest;
  readonly kind: string;
  readonly base64: string;
}

/** One message that was put into the run's inbox. */
export interface InboxLine {
  readonly type: "inbox";
  /** 1-based, in order of arrival. */
  readonly order: number;
  readonly key: string;
  readonly kind: string;
  readonly payloadText: string;
  readonly consumed: boolean;
}

/** The last line: how many there are of each, and the digest over all lines before it. */
export interface EndLine {
  readonly type: "end";
  /** Events of the runbook's stream. */
  readonly approvals: number;
  /** Events of the run's stream. */
  readonly events: number;
  readonly artifacts: number;
  readonly inbox: number;
  readonly digest: Digest;
}

/** A line of a bundle. */
export type BundleLine = HeaderLine | RunbookLine | EventLine | ArtifactLine | InboxLine | EndLine;

/** The members of each type of line: all of them, and no others. */
export const LINE_MEMBERS: { readonly [T in BundleLine["type"]]: { readonly [member: string]: FieldType } } = {
  bundle: { type: "string", format: "integer", scope: "string", runId: "string", runbookId: "string", head: "object" },
  runbook: {
    type: "string",
    id: "string",
    contentText: "string",
    documentDigest: "string",
    documentText: "string",
    evidenceText: "string",
  },
  event: {
    type: "string",
    stream: "string",
    seq: "integer",
    kind: "string",
    v: "integer",
    epoch: "integer",
    at: "integer",
    payloadText: "string",
    payloadDigest: "string",
    prev: "string",
    hash: "string",
  },
  artifact: { type: "string", id: "string", kind: "string", base64: "string" },
  inbox: { type: "string", order: "integer", key: "string", kind: "string", payloadText: "string", consumed: "boolean" },
  end: { type: "string", approvals: "integer", events: "integer", artifacts: "integer", inbox: "integer", digest: "string" },
};

/** The running digest before the first line. */
export const NO_LINES: Digest = "0".repeat(64);

/** The running digest after one more line: over the digest before it and the line, without its line feed. */
export function digestWithLine(before: Digest, line: string): Digest {
  return digestOfText(BUNDLE_TAG, `${before}${line}`);
}
