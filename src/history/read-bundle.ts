import type { ArtifactLine, BundleLine, EndLine, EventLine, HeaderLine, InboxLine, RunbookLine } from "./bundle-format.js";
import type { Digest } from "../model/ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import { BUNDLE_FORMAT, digestWithLine, LINE_MEMBERS, NO_LINES } from "./bundle-format.js";
import { isDigest, isRunbookId, runbookStream, runStream } from "../model/ids.js";
import { isObject, wrongMember } from "./member-types.js";
import { readCanonical } from "./read-canonical.js";

/** A line of a bundle and its number, from 1. */
export interface Numbered<L extends BundleLine> {
  readonly line: number;
  readonly value: L;
}

/** A bundle whose lines are all there, in order, each of a known shape. Nothing is said yet of what they hold. */
export interface BundleParts {
  readonly header: HeaderLine;
  readonly runbook: RunbookLine;
  readonly approvals: readonly Numbered<EventLine>[];
  readonly events: readonly Numbered<EventLine>[];
  readonly artifacts: readonly Numbered<ArtifactLine>[];
  readonly inbox: readonly Numbered<InboxLine>[];
  readonly end: Numbered<EndLine>;
  /** The running digest over all lines but the last. */
  readonly digest: Digest;
}

/** Why a bundle can't be read, and at which line. */
export interface BundleFault {
  readonly line: number;
  readonly why: string;
}

/** What {@link readBundle} gives. */
export type BundleReading =
  { readonly kind: "read"; readonly parts: BundleParts } | { readonly kind: "malformed"; readonly fault: BundleFault };

/**
 * Takes a bundle apart: every line the canonical text of one object of a known type with exactly its members, in the order of
 * `docs/events.md`, a line feed after each and nothing after the last.
 *
 * Never throws, whatever the text is. Cost: linear in the text.
 */
export function readBundle(source: string | Uint8Array): BundleReading {
  const reader = new BundleReader();
  for (const line of linesOf(source)) {
    const why = reader.next(line);
    if (why !== undefined) return { kind: "malformed", fault: { line: reader.line, why } };
  }
  return reader.close();
}

/** Lines with their line feed; the last one without, where the text does not end in one. */
function* linesOf(source: string | Uint8Array): Generator<string | Uint8Array, void, undefined> {
  const length = source.length;
  for (let from = 0; from < length;) {
    const feed = typeof source === "string" ? source.indexOf("\n", from) : source.indexOf(10, from);
    const to = feed === -1 ? length : feed + 1;
    yield typeof source === "string" ? source.slice(from, to) : source.subarray(from, to);
    from = to;
  }
}

const RANKS: { readonly [T in BundleLine["type"]]: number } = { bundle: 0, runbook: 1, event: 2, artifact: 4, inbox: 5, end: 6 };
/** Events of the runbook's stream come before those of the run's. */
const RUN_EVENT_RANK = 3;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class BundleReader {
  line = 0;
  #rank = -1;
  #digest: Digest = NO_LINES;
  #digestBefore: Digest = NO_LINES;
  #runStream = "";
  #runbookStream = "";
  #header: HeaderLine | undefined;
  #runbook: RunbookLine | undefined;
  #end: Numbered<EndLine> | undefined;
  readonly #approvals: Numbered<EventLine>[] = [];
  readonly #events: Numbered<EventLine>[] = [];
  readonly #artifacts: Numbered<ArtifactLine>[] = [];
  readonly #inbox: Numbered<InboxLine>[] = [];

  /** Takes one line; why it can't stand here, `undefined` = it can. */
  next(raw: string | Uint8Array): string | undefined {
    this.line += 1;
    const text = textOf(raw);
    if (text === undefined) return "is not UTF-8";
    if (!text.endsWith("\n")) return "has no line feed: the bundle is cut off";
    const body = text.slice(0, -1);
    const read = readCanonical(body);
    if (read.kind !== "read") return read.why;
    this.#digestBefore = this.#digest;
    this.#digest = digestWithLine(this.#digest, body);
    const line = lineOf(read.value);
    return typeof line === "string" ? line : this.#take(line);
  }

  /** What was read, when nothing is missing. */
  close(): BundleReading {
    const [header, runbook, end] = [this.#header, this.#runbook, this.#end];
    if (header === undefined || runbook === undefined || end === undefined) {
      return { kind: "malformed", fault: { line: this.line + 1, why: "is missing: the bundle is cut off" } };
    }
    const lists = { approvals: this.#approvals, events: this.#events, artifacts: this.#artifacts, inbox: this.#inbox };
    return { kind: "read", parts: { header, runbook, ...lists, end, digest: this.#digestBefore } };
  }

  #take(value: BundleLine): string | undefined {
    const rank = value.type === "event" && value.stream === this.#runStream ? RUN_EVENT_RANK : RANKS[value.type];
    const isOnce = rank <= RANKS.runbook || rank === RANKS.end;
    const isNext = rank <= RANKS.event ? this.#rank >= rank - 1 : this.#rank >= RANKS.runbook;
    if (!isNext || rank < this.#rank || (isOnce && rank === this.#rank)) return `is a line "${value.type}" out of its place`;
    this.#rank = rank;
    return this.#keep(value);
  }

  #keep(value: BundleLine): string | undefined {
    const { line } = this;
    switch (value.type) {
      case "bundle":
        this.#header = value;
        this.#runStream = runStream(value.runId);
        this.#runbookStream = runbookStream(value.runbookId);
        return headerFault(value);
      case "runbook":
        this.#runbook = value;
        return runbookStream(value.id) === this.#runbookStream ? undefined : "is of another runbook than the first line says";
      case "event":
        if (value.stream === this.#runStream) this.#events.push({ line, value });
        else if (value.stream === this.#runbookStream) this.#approvals.push({ line, value });
        else return `belongs to stream "${value.stream}"`;
        return undefined;
      case "artifact":
        this.#artifacts.push({ line, value });
        return undefined;
      case "inbox":
        this.#inbox.push({ line, value });
        return undefined;
      case "end":
        this.#end = { line, value };
        return undefined;
    }
  }
}

function textOf(raw: string | Uint8Array): string | undefined {
  if (typeof raw === "string") return raw;
  try {
    return utf8.decode(raw);
  } catch {
    return undefined;
  }
}

/** The line that a value is, or why it is none. */
function lineOf(value: JsonValue): BundleLine | string {
  if (!isObject(value)) return "is no object";
  const type = Object.hasOwn(value, "type") ? value["type"] : undefined;
  if (typeof type !== "string" || !isLineType(type)) return "has a type that is none";
  if (type === "bundle" && value["format"] !== BUNDLE_FORMAT) return `is of a format that is not ${BUNDLE_FORMAT}`;
  const members = LINE_MEMBERS[type];
  const wrong = wrongMember(value, members);
  if (wrong !== undefined) return `has a member that is wrong: ${wrong}`;
  const surplus = Object.keys(value).find((member) => !Object.hasOwn(members, member));
  return surplus === undefined ? asLine(value) : `has a member ${JSON.stringify(surplus)}, which a line "${type}" does not have`;
}

function isLineType(type: string): type is BundleLine["type"] {
  return Object.hasOwn(LINE_MEMBERS, type);
}

/** Its members were just held against the table that the types are written after. */
function asLine(value: JsonObject): BundleLine {
  const line: JsonValue = value;
  return line as BundleLine & JsonObject;
}

function headerFault({ head, runbookId }: HeaderLine): string | undefined {
  const { seq, hash, ...more } = head;
  if (!isRunbookId(runbookId)) return 'names a runbook that is none: "rb_" and 64 hex digits';
  const isHead = typeof seq === "number" && seq > 0 && isDigest(hash) && Object.keys(more).length === 0;
  return isHead ? undefined : "has a head that is none: { seq, hash }";
}
