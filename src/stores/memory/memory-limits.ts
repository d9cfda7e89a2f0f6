import type { Scope } from "../../model/ids.js";
import type { RunHead, StreamHead } from "../../model/run.js";
import type { CommitAnswer, RunLimit, StreamWrite } from "../event-store.js";
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

/** What is counted against one value of a limit's label, or against the whole queue. */
interface Tally {
  running: number;
  readonly starts: number[];
}

/** Counts what stands against a limit, for each value of its label. */
function talliesOf(backing: MemoryBacking, limit: RunLimit): ReadonlyMap<string, Tally> {
  const tallies = new Map<string, Tally>();
  const since = backing.clock.now() - (limit.starts?.perMs ?? 0);
  for (const { scope, head } of backing.streams.values()) {
    const key = head.run === null ? undefined : tallyKey(limit, scope, head.run);
    if (head.run === null || key === undefined) continue;
    const tally = tallies.get(key) ?? { running: 0, starts: [] };
    tallies.set(key, tally);
    if (head.run.status === "running") tally.running += 1;
    if (head.run.startedAt !== null && head.run.startedAt > since) tally.starts.push(head.run.startedAt);
  }
  return tallies;
}

/** What of a limit counts a run; `undefined` = nothing. */
function tallyKey({ queue, label }: RunLimit, scope: Scope, run: RunHead): string | undefined {
  if (run.queue !== queue || run.parent !== null) return undefined;
  if (label === null) return "";
  const value = labelText(run, label);
  return value === undefined ? undefined : JSON.stringify([scope, value]);
}

/** Tells of heads whether a claim with these limits would be held back, as things stand. */
export function heldBackBy(backing: MemoryBacking, limits: readonly RunLimit[]): (head: StreamHead) => boolean {
  const counted = limits.map((limit) => ({ limit, tallies: talliesOf(backing, limit) }));
  return ({ scope, run }) =>
    run !== null &&
    run.status !== "running" &&
    counted.some(({ limit, tallies }) => {
      const key = tallyKey(limit, scope, run);
      const tally = key === undefined ? undefined : (tallies.get(key) ?? { running: 0, starts: [] });
      if (tally === undefined) return false;
      if (limit.running !== null && tally.running >= limit.running) return true;
      return run.status === "queued" && limit.starts !== null && tally.starts.length >= limit.starts.runs;
    });
}

/** When a start leaves a window that is used up: the earliest of all limits and values; `null` = none is. */
export function roomAt(backing: MemoryBacking, limits: readonly RunLimit[]): number | null {
  let earliest: number | null = null;
  for (const limit of limits) {
    if (limit.starts === null) continue;
    for (const { starts } of talliesOf(backing, limit).values()) {
      const decisive = [...starts].sort((a, b) => b - a)[limit.starts.runs - 1];
      if (decisive !== undefined) earliest = Math.min(earliest ?? Infinity, decisive + limit.starts.perMs);
    }
  }
  return earliest;
}
