import type { Digest, RunId, Scope } from "../model/ids.js";
import type { InboxEntry, InboxKind } from "../stores/inbox.js";
import type { Row } from "./row.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";
import { digestOfText } from "../json/digest.js";
import { integerIn, textIn } from "./row.js";

const MESSAGE_TAG = "runseal/message/1";

/** A message with its place among those of its run. */
export type Message = InboxEntry & { readonly order: number };

/** The digest that a message's canonical payload is filed under. */
export function messageDigest(payloadText: string): Digest {
  return digestOfText(MESSAGE_TAG, payloadText);
}

/**
 * A message of a row with the columns `ord`, `key`, `kind`, `payload` and `payload_digest`.
 *
 * @throws {@link RunsealError} `store.corrupt` when the payload does not have its digest
 */
export function messageOfRow(scope: Scope, runId: RunId, row: Row): Message {
  const [key, payloadText] = [textIn(row, "key"), textIn(row, "payload")];
  if (messageDigest(payloadText) !== textIn(row, "payload_digest")) {
    const message = `message "${key}" of run "${runId}" has a payload that does not match its digest`;
    throw new RunsealError("store.corrupt", message, { what: "message", id: runId, seq: integerIn(row, "ord") });
  }
  const payload = copyCanonical(JSON.parse(payloadText));
  return { scope, runId, key, kind: textIn(row, "kind") as InboxKind, payload, order: integerIn(row, "ord") };
}
