import type { BundleLine, EndLine, HeaderLine, InboxLine, RunbookLine } from "./bundle-format.js";
import type { Digest } from "../model/ids.js";
import type { StoredEvent } from "../model/event.js";
import { BUNDLE_FORMAT, digestWithLine, NO_LINES } from "./bundle-format.js";
import { base64Of } from "../json/base64.js";
import { canonicalText } from "../json/canonical.js";

/** Largest line: an artifact of 64 MiB in base64 and what stands around it. */
const LINE_BYTES_MAX = 134_217_728;

/**
 * Writes a bundle, line by line: each is the canonical text of one object, with a line feed at its end.
 *
 * The caller keeps the order of `docs/events.md`: header, runbook, events of the runbook, events of the run, artifacts, inbox, end.
 */
export class BundleWriter {
  #digest: Digest = NO_LINES;
  readonly #counts = { approvals: 0, events: 0, artifacts: 0, inbox: 0 };

  header(header: Omit<HeaderLine, "type" | "format">): string {
    const { seq, hash } = header.head;
    return this.#line({ ...header, type: "bundle", format: BUNDLE_FORMAT, head: { seq, hash } });
  }

  runbook(runbook: Omit<RunbookLine, "type">): string {
    return this.#line({ ...runbook, type: "runbook" });
  }

  event(event: StoredEvent): string {
    const { stream, seq, kind, v, epoch, at, payloadText, payloadDigest, prev, hash } = event;
    this.#counts[stream.startsWith("run/") ? "events" : "approvals"] += 1;
    return this.#line({ type: "event", stream, seq, kind, v, epoch, at, payloadText, payloadDigest, prev, hash });
  }

  artifact(artifact: { readonly id: Digest; readonly kind: string; readonly bytes: Uint8Array }): string {
    const { id, kind, bytes } = artifact;
    this.#counts.artifacts += 1;
    return this.#line({ type: "artifact", id, kind, base64: base64Of(bytes) });
  }

  inbox(message: Omit<InboxLine, "type" | "order">): string {
    this.#counts.inbox += 1;
    return this.#line({ ...message, type: "inbox", order: this.#counts.inbox });
  }

  end(): string {
    const end: EndLine = { type: "end", ...this.#counts, digest: this.#digest };
    return this.#line(end);
  }

  #line(line: BundleLine): string {
    const text = canonicalText({ ...line }, { bytesMax: LINE_BYTES_MAX });
    this.#digest = digestWithLine(this.#digest, text);
    return `${text}\n`;
  }
}
