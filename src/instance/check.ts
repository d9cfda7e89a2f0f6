import type { ContractProblem } from "./contract-problems.js";
import type { InstanceParts } from "./parts.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookId, RunId } from "../model/ids.js";
import { contractProblems } from "./contract-problems.js";
import { isRunbookId } from "../model/ids.js";
import { isRunsealError } from "../errors/error.js";
import { openRuns } from "./open-runs.js";
import { readApprovals } from "./approve.js";

/** An open run, or an approved runbook, that this catalog and these handlers can't finish. */
export interface Unfinishable {
  readonly kind: "run" | "runbook";
  /** `null` for a runbook that was not started. */
  readonly runId: RunId | null;
  readonly runbookId: RunbookId;
  /** Name of the macro or verb that was invoked; `null` when the runbook can't be read. */
  readonly name: string | null;
  readonly status: "queued" | "running" | "parked" | "approved";
  /** What is lacking; empty when the runbook itself can't be read, see `unreadable`. */
  readonly problems: readonly ContractProblem[];
  /** Why the runbook can't be read; absent when it can. */
  readonly unreadable?: string;
}

const RUNBOOK_PREFIX = "runbook/";

/**
 * Finds what a deployment would strand: open runs, and runbooks with an approval that is not spent, whose contracts or handlers this
 * instance does not have (decision 1.7). Calls no handler and writes nothing.
 *
 * Cost: one pass over the heads of the scope, read page by page, and one read of each runbook in question.
 */
export async function check(parts: InstanceParts): Promise<readonly Unfinishable[]> {
  const known = new Map<RunbookId, Finding>();
  const found: Unfinishable[] = [];
  const running = new Set<RunbookId>();
  for await (const { run } of openRuns(parts, ["queued", "running", "parked"])) {
    running.add(run.runbookId);
    const finding = await findingOf(parts, run.runbookId, known);
    const { runId, runbookId, status } = run;
    if (finding !== undefined) found.push({ kind: "run", runId, runbookId, status: status as Open, ...finding });
  }
  for (const runbookId of await approvedIn(parts)) {
    if (running.has(runbookId)) continue;
    const finding = await findingOf(parts, runbookId, known);
    if (finding !== undefined) found.push({ kind: "runbook", runId: null, runbookId, status: "approved", ...finding });
  }
  return found;
}

type Open = "queued" | "running" | "parked";

/** What is the matter with a runbook; nothing is. */
type Finding = Pick<Unfinishable, "name" | "problems" | "unreadable"> | undefined;

async function findingOf(parts: InstanceParts, id: RunbookId, known: Map<RunbookId, Finding>): Promise<Finding> {
  if (known.has(id)) return known.get(id);
  const finding = await look(parts, id);
  known.set(id, finding);
  return finding;
}

async function look(parts: InstanceParts, id: RunbookId): Promise<Finding> {
  let runbook: Runbook | undefined;
  try {
    runbook = await parts.stores.runbooks.get(parts.scope, id);
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    return { name: null, problems: [], unreadable: error.message };
  }
  if (runbook === undefined) return { name: null, problems: [], unreadable: `the runbook "${id}" is not there` };
  const problems = contractProblems(parts, runbook);
  return problems.length === 0 ? undefined : { name: runbook.document.name, problems };
}

/** Runbooks with an approval that is given, not expired and not spent; rejected ones are passed over. */
async function approvedIn(parts: InstanceParts): Promise<readonly RunbookId[]> {
  const nowMs = await parts.stores.leases.now();
  const approved: RunbookId[] = [];
  for await (const { stream } of parts.stores.reader.heads(parts.scope)) {
    const id = stream.startsWith(RUNBOOK_PREFIX) ? stream.slice(RUNBOOK_PREFIX.length) : "";
    if (!isRunbookId(id)) continue;
    const standing = (await readApprovals(parts, id)).approvals.filter((approval) => approval.status === "given");
    const isRejected = standing.some((approval) => approval.decision === "reject");
    if (!isRejected && standing.some(({ expiresAt }) => expiresAt === null || expiresAt > nowMs)) approved.push(id);
  }
  return approved;
}
