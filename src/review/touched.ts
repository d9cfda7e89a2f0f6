import type { EntityRef, LateWrite, Subject } from "../model/write-set.js";
import type { Runbook } from "../model/runbook.js";
import type { StepId } from "../model/ids.js";
import { basisStepsOf, isCarried } from "../model/basis-steps.js";
import { lockKeyOf } from "../history/lock-requests.js";

/** A late write and the step that makes it. */
export type LateWriteOf = LateWrite & { readonly step: StepId };

/** Every entity that a runbook reads and writes, each once, sorted by kind and id. A declaration says more than a guess. */
export interface Touched {
  readonly reads: readonly EntityRef[];
  readonly writes: readonly Subject[];
  readonly lateWrites: readonly LateWriteOf[];
}

/** Joins what the steps of a runbook touch; steps whose results are carried over from another run touch nothing. */
export function touchedBy({ content }: Runbook): Touched {
  const reads = new Map<string, Subject>();
  const writes = new Map<string, Subject>();
  const keep = (to: Map<string, Subject>, subject: Subject): void => {
    const key = lockKeyOf(content.scope, subject);
    if (to.get(key)?.source !== "declared") to.set(key, subject);
  };
  const taken = basisStepsOf(content);
  const called = content.steps.filter((step) => !isCarried(taken, step.id));
  for (const step of called) {
    for (const subject of step.reads) keep(reads, subject);
    for (const subject of step.writes) keep(writes, subject);
  }
  return {
    reads: sorted(reads).map(({ kind, id }) => ({ kind, id })),
    writes: sorted(writes),
    lateWrites: called.flatMap((step) => step.lateWrites.map((late) => ({ ...late, step: step.id }))),
  };
}

function sorted(subjects: ReadonlyMap<string, Subject>): readonly Subject[] {
  return [...subjects.values()].sort((a, b) => {
    if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
    return a.id < b.id ? -1 : 1;
  });
}
