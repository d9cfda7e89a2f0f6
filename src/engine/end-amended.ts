import type { Basis } from "../model/envelope.js";
import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { RunbookId, RunId, Scope } from "../model/ids.js";
import type { RunHead, StreamHead } from "../model/run.js";
import type { RunState } from "../history/run-state.js";
import type { StreamWrite } from "../stores/event-store.js";
import { RunsealError } from "../errors/error.js";
import { chainDrafts } from "./chain-drafts.js";
import { eventOf } from "../history/read-event.js";
import { fences } from "./run-ending.js";
import { loadRun } from "./load-run.js";
import { nextRunHead } from "../history/run-head.js";
import { runPlanOf } from "../history/run-plan.js";
import { runStream } from "../model/ids.js";

/** Why a run that was amended is canceled. */
export const AMENDED = "amended";

/** The run that takes the place of another one. */
interface Successor {
  readonly runId: RunId;
  readonly runbookId: RunbookId;
}

/**
 * Ends a run that another one takes the place of: what it waits for is fenced, then `run.amended` and `run.canceled`.
 *
 * It counts as a use of its runbook even when no step of it was entered, so that the approvals of the plan that was replaced do not
 * come back to life.
 *
 * @returns `undefined` when the run was ended for this very runbook before: by a run that came to nothing
 * @throws {@link RunsealError} `admission.plan_stale` when it has gone on since it was looked at, or a message waits for it
 */
export async function endAmended(
  parts: EngineParts,
  scope: Scope,
  basis: Basis,
  successor: Successor,
): Promise<StreamWrite | undefined> {
  const head = await amendableHead(parts, scope, basis, successor.runbookId);
  if (head === undefined) return undefined;
  const runbook = await parts.stores.runbooks.get(scope, head.run.runbookId);
  if (runbook === undefined) throw stale(basis, "without its runbook");
  const state = await loadRun(parts, scope, basis.runId, runPlanOf(runbook));
  return endWrite(scope, head, state, successor);
}

/**
 * The head of the run that a runbook amends, as long as it stands where it stood when the runbook was sealed.
 *
 * @returns `undefined` when it was ended for this very runbook before
 * @throws {@link RunsealError} as {@link endAmended} does
 */
export async function amendableHead(
  parts: Pick<EngineParts, "stores">,
  scope: Scope,
  basis: Basis,
  runbookId: RunbookId,
): Promise<(StreamHead & { readonly run: RunHead }) | undefined> {
  const head = await parts.stores.reader.head(scope, runStream(basis.runId));
  if (head === undefined || head.run === null) throw stale(basis, "gone");
  if (head.run.status === "canceled" && (await isAmendedTo(parts, scope, basis.runId, runbookId))) return undefined;
  if (head.hash !== basis.headHash || head.run.status !== "parked") throw stale(basis, head.hash);
  const pending = await parts.stores.inbox.pending(scope, basis.runId);
  if (pending.length > 0) throw stale(basis, `${pending.length} messages that nobody has taken up`);
  return { ...head, run: head.run };
}

function endWrite(
  scope: Scope,
  head: StreamHead & { readonly run: RunHead },
  state: RunState,
  { runId, runbookId }: Successor,
): StreamWrite {
  const { stream, seq, hash, epoch } = head;
  const drafts: readonly EventDraft[] = [
    ...fences(state, AMENDED, state.parked),
    { kind: "run.amended", payload: { runbookId, runId } },
    { kind: "run.canceled", payload: { reason: AMENDED, by: null, isVoid: false } },
  ];
  const events = chainDrafts({ scope, stream, seq, hash }, drafts, epoch);
  const run = drafts.reduce((next, draft) => nextRunHead(next, draft, state.runId), head.run);
  return { scope, stream, expectedSeq: seq, fence: null, events, artifacts: [], run };
}

async function isAmendedTo(
  parts: Pick<EngineParts, "stores">,
  scope: Scope,
  runId: RunId,
  runbookId: RunbookId,
): Promise<boolean> {
  for await (const stored of parts.stores.reader.read(scope, runStream(runId))) {
    const event = eventOf(stored);
    if (event.kind === "run.amended") return event.payload.runbookId === runbookId;
  }
  return false;
}

function stale({ runId, headHash }: Basis, now: string): RunsealError<"admission.plan_stale"> {
  const message = `run "${runId}" has gone on since it was amended (then at ${headHash.slice(0, 12)}, now ${now.slice(0, 40)}): amend it again`;
  return new RunsealError("admission.plan_stale", message, { path: runStream(runId), was: headHash, now });
}
