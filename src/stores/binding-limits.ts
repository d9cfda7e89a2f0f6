import type { RunHead, StreamHead } from "../model/run.js";
import type { CommitAnswer, RunLimit, StreamWrite } from "./event-store.js";
import { canonicalize } from "../json/canonical.js";

/** A limit that a claim has to keep, and whom it counts. */
export interface BindingLimit {
  readonly limit: RunLimit;
  /** The canonical text of the label's value; `null` = the whole queue. */
  readonly valueText: string | null;
  /** Running runs beside the claimed one that leave no room for it; `null` = any number does. */
  readonly runningMax: number | null;
  /** Starts within the window that leave no room for another; `null` = not a start, or any number does. */
  readonly starts: RunLimit["starts"];
}

/**
 * The limits of a claim that bear on its run, in their order; none where it has no claim, does not leave the run running, or the run
 * is a child.
 *
 * @param before - the head before the write, `undefined` for a new stream
 * @param after - the head that the write makes
 */
export function bindingLimits(write: StreamWrite, before: StreamHead | undefined, after: StreamHead): readonly BindingLimit[] {
  const { run } = after;
  const limits = write.claim?.limits ?? [];
  if (run?.status !== "running" || run.parent !== null) return [];
  const isStart = run.startedAt !== null && (before?.run?.startedAt ?? null) === null;
  return limits.flatMap((limit) => {
    const valueText = limit.label === null ? null : labelText(run, limit.label);
    if (limit.queue !== run.queue || valueText === undefined) return [];
    return [{ limit, valueText, runningMax: limit.running, starts: isStart ? limit.starts : null }];
  });
}

/** The canonical text of a label's value, `undefined` without the label. */
export function labelText(run: RunHead, label: string): string | undefined {
  const value = Object.hasOwn(run.labels, label) ? run.labels[label] : undefined;
  return value === undefined ? undefined : canonicalize(value);
}

/** The answer to a claim that a limit holds back. */
export function limitedAnswer(write: StreamWrite, limit: RunLimit, retryAt: number | null): CommitAnswer {
  return { kind: "limited", stream: write.stream, limit, retryAt };
}
