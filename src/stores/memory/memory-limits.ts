import type { RunHead, StreamHead } from "../../model/run.js";
import type { CommitAnswer, StreamWrite } from "../event-store.js";
import type { BindingLimit } from "../binding-limits.js";
import type { MemoryBacking } from "./backing.js";
import { bindingLimits, labelText, limitedAnswer } from "../binding-limits.js";

/**
 * Whether a limit of the claim is full; `undefined` = there is room. O(all runs) for a claim with limits.
 *
 * @param after - the head that the write makes
 */
export function memoryLimitRefusal(backing: MemoryBacking, write: StreamWrite, after: StreamHead): CommitAnswer | undefined {
  const before = backing.stream(write.scope, write.stream)?.head;
  for (const bound of bindingLimits(write, before, after)) {
    const others = othersOf(backing, write, bound);
    const running = others.filter((run) => run.status === "running").length;
    if (bound.runningMax !== null && running >= bound.runningMax) return limitedAnswer(write, bound.limit, null);
    const retryAt = startRetryAt(bound, others, backing.clock.now());
    if (retryAt !== undefined) return limitedAnswer(write, bound.limit, retryAt);
  }
  return undefined;
}

function startRetryAt({ starts }: BindingLimit, others: readonly RunHead[], now: number): number | undefined {
  if (starts === null) return undefined;
  const inWindow = others.flatMap(({ startedAt }) => (startedAt !== null && startedAt > now - starts.perMs ? [startedAt] : []));
  const decisive = inWindow.sort((a, b) => b - a)[starts.runs - 1];
  return decisive === undefined ? undefined : decisive + starts.perMs;
}

function othersOf(backing: MemoryBacking, write: StreamWrite, { limit, valueText }: BindingLimit): readonly RunHead[] {
  const others: RunHead[] = [];
  for (const { scope, stream, head } of backing.streams.values()) {
    if (head.run?.queue !== limit.queue || head.run.parent !== null) continue;
    if (scope === write.scope && stream === write.stream) continue;
    if (valueText === null || (scope === write.scope && labelText(head.run, limit.label ?? "") === valueText))
      others.push(head.run);
  }
  return others;
}
