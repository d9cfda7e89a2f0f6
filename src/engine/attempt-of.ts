import type { ChildRuns } from "./child-runs.js";
import type { EntityRef } from "../model/write-set.js";
import type { LazySignal } from "./lazy-signal.js";
import type { RunId, Scope } from "../model/ids.js";
import type { RunRecord } from "./run-record.js";
import type { SealedStep } from "../model/step.js";
import type { StoreTransaction } from "../stores/transactions.js";
import type { StagedContext } from "./staged-context.js";

/** Which attempt a context belongs to. */
export interface AttemptOf {
  readonly scope: Scope;
  readonly runId: RunId;
  /** The run that the idempotency key is made of: another one only where that run was amended. */
  readonly keyRunId: RunId;
  readonly step: SealedStep;
  readonly attempt: number;
  readonly signal: LazySignal;
  /** Entities learnt while running that this attempt has locked. */
  readonly late: readonly EntityRef[];
  /** The context as the attempt sees it. */
  readonly staged: StagedContext;
  readonly record: RunRecord;
  readonly children: ChildRuns;
  /** The transaction that the attempt works in; absent: none is open around it. */
  readonly transaction?: StoreTransaction;
}
