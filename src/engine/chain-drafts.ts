import type { ChainHead } from "../history/chain.js";
import type { ChainedEvent, EventDraft } from "../model/event.js";
import { chainEvent } from "../history/chain.js";

/** Events that follow each other from a head. */
export function chainDrafts(head: ChainHead, drafts: readonly EventDraft[], epoch: number): readonly ChainedEvent[] {
  const events: ChainedEvent[] = [];
  let { seq, hash } = head;
  for (const draft of drafts) {
    const event = chainEvent({ scope: head.scope, stream: head.stream, seq, hash }, draft, epoch);
    events.push(event);
    ({ seq, hash } = event);
  }
  return events;
}
