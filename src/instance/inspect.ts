import type { AnyEvent } from "../model/event.js";
import type { Digest, RunId } from "../model/ids.js";
import type { InstanceParts } from "./parts.js";
import type { ListFilter } from "./list-filter.js";
import type { RunHead, RunView, StreamHead } from "../model/run.js";
import { digestOf } from "../json/digest.js";
import { eventOf } from "../history/read-event.js";
import { listFilter } from "./list-filter.js";
import { loadRun } from "../engine/load-run.js";
import { readJsonArtifact } from "../engine/json-artifact.js";
import { runPlanOf } from "../history/run-plan.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { runStream } from "../model/ids.js";
import { runViewOf } from "../history/run-view.js";

/**
 * A run as its log tells it.
 *
 * @throws {@link RunsealError} `run.not_found`, `store.corrupt`
 */
export async function statusOf(parts: InstanceParts, runId: RunId): Promise<RunView> {
  const head = await readRunHead(parts, runId);
  const runbook = await readRunbook(parts, head.run.runbookId);
  const state = await loadRun(parts.engine, parts.scope, runId, runPlanOf(runbook));
  const view = runViewOf(state);
  return state.outputRef === undefined
    ? view
    : { ...view, output: await readJsonArtifact(parts.stores.artifacts, parts.scope, state.outputRef) };
}

/** The events of a run in order; ends at the last one there is. */
export async function* historyOf(parts: InstanceParts, runId: RunId): AsyncIterable<AnyEvent> {
  await readRunHead(parts, runId);
  for await (const stored of parts.stores.reader.read(parts.scope, runStream(runId))) yield eventOf(stored);
}

/** A run in a list: its head, without its log. */
export interface RunSummary extends RunHead {
  readonly seq: number;
  readonly hash: Digest;
  readonly owner: string | null;
}

/** Heads looked at in one call where labels are asked for. */
const PAGE = 1_000;

/**
 * Runs of the scope, newest first.
 *
 * @throws {@link RunsealError} `run.invalid_option` for a filter that can't be right
 */
export async function listRuns(parts: InstanceParts, asked: ListFilter = {}): Promise<readonly RunSummary[]> {
  const { filter, limit, isMeant } = listFilter(asked);
  const { runs } = parts.stores;
  if (isMeant === undefined) return (await runs.list(parts.scope, { ...filter, limit })).flatMap(summaryOf);
  const found: RunSummary[] = [];
  for (let after = filter.after; ;) {
    const page = await runs.list(parts.scope, { ...filter, limit: PAGE, ...(after !== undefined && { after }) });
    found.push(...page.flatMap(summaryOf).filter(isMeant));
    after = page.at(-1)?.run?.runId;
    if (found.length >= limit || page.length < PAGE) return found.slice(0, limit);
  }
}

function summaryOf({ run, seq, hash, owner }: StreamHead): readonly RunSummary[] {
  return run === null ? [] : [{ ...run, seq, hash, owner }];
}

/** The end of a chain, to be kept elsewhere: whoever has it can tell a shortened or rewritten log. */
export interface Head {
  readonly stream: string;
  readonly seq: number;
  readonly hash: Digest;
}

/** The head of one run, or of everything in the scope: a digest over all heads sorted by stream. */
export async function headOf(parts: InstanceParts, runId?: RunId): Promise<Head> {
  if (runId !== undefined) {
    const head = await readRunHead(parts, runId);
    return { stream: head.stream, seq: head.seq, hash: head.hash };
  }
  const heads: Pick<StreamHead, "stream" | "seq" | "hash">[] = [];
  for await (const { stream, seq, hash } of parts.stores.reader.heads(parts.scope)) heads.push({ stream, seq, hash });
  const hash = digestOf("runseal/heads/1", { scope: parts.scope, heads });
  return { stream: "*", seq: heads.reduce((sum, head) => sum + head.seq, 0), hash };
}
