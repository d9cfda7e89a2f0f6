import type { LogRule } from "./attempt-rules.js";

/** What a run can be found to break, besides the rules of attempts. */
export type EvidenceRule =
  | "runbook_missing"
  | "runbook_digest"
  | "document_digest"
  | "other_runbook"
  | "payload_invalid"
  | "log_unreadable"
  | "log_truncated"
  | "log_rewritten"
  | "head_differs"
  | "artifact_missing"
  | "artifact_damaged"
  | "manifest_missing"
  | "manifest_mismatch"
  | "approvals_damaged"
  | "approval_missing"
  | "approval_mismatch"
  | "carried_unsealed"
  | "write_outside_set";

/** What is wrong with a run besides its chain. `seq` is that of its own log, `null` where no one event of it is to blame. */
export interface RunProblem {
  readonly seq: number | null;
  readonly rule: LogRule | EvidenceRule;
  readonly message: string;
}

/** Tells whether a problem is something that is gone, as opposed to something that contradicts. */
export function isAbsence({ rule }: { readonly rule: string }): boolean {
  return rule === "artifact_missing" || rule === "manifest_missing" || rule === "runbook_missing";
}
