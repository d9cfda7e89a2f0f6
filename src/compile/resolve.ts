import type { CompilationError, CompileRefusal } from "../model/outcome.js";
import type { CompileRequest, MissingLookup, PinnedAnswer, Planned } from "./compile-request.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { allowsVerb, policyUnavailable } from "./authorize.js";
import { compilationError, errorFinding } from "./refusals.js";
import { compilePlan } from "./compile-plan.js";
import { completeTree } from "./complete-tree.js";
import { isRunsealError } from "../errors/error.js";
import { jsonPointer } from "../json/walk.js";
import { readValue } from "./read-value.js";
import { redactText } from "../secrets/redact.js";
import { treeOfJson } from "../expression/literal.js";

/** What a handler answered to a lookup. */
export interface LookupAnswer {
  readonly response: unknown;
  /** Milliseconds since the epoch. */
  readonly performedAt: number;
}

/** Asks the world: calls the handler of a reading verb. May throw; what it throws becomes a finding. */
export type Ask = (lookup: MissingLookup) => Promise<LookupAnswer>;

/**
 * Plans, asks the world for the lookups that are missing, and plans again until nothing is missing (decision 2.1a).
 *
 * The lookups of one round are asked together. Before any is asked, the policy must allow its verb. An answer has to be canonical and
 * fit the verb's result; it is pinned, and the last expansion counts.
 *
 * @returns a plan for `seal`, or a refusal: `lookup_failed` with every lookup that was denied, threw, or answered what its schema
 * refuses; what {@link compilePlan} refuses; nothing is thrown for these
 */
export async function resolvePlan(request: CompileRequest, ask: Ask): Promise<Planned | CompileRefusal> {
  const pinned = new Map(request.pinned);
  for (;;) {
    const outcome = compilePlan({ ...request, pinned });
    if (outcome.kind !== "lookups") return outcome;
    const refusal = refuseDenied(outcome.missing, request) ?? (await askAll(outcome.missing, ask, pinned));
    if (refusal !== undefined) return refusal;
  }
}

function refuseDenied(missing: readonly MissingLookup[], { allowed }: CompileRequest): CompilationError | undefined {
  if (allowed === undefined) return policyUnavailable();
  const denied = missing.filter(({ verb }) => !allowsVerb(allowed, verb.contract.name));
  if (denied.length === 0) return undefined;
  return compilationError(
    "lookup_failed",
    denied.map(({ path, verb }) => errorFinding("resolve.denied", path, `the policy does not allow "${verb.contract.name}"`)),
  );
}

async function askAll(
  missing: readonly MissingLookup[],
  ask: Ask,
  pinned: Map<string, PinnedAnswer>,
): Promise<CompilationError | undefined> {
  const answers = await Promise.all(missing.map((lookup) => askOne(lookup, ask)));
  const findings = answers.flatMap((answer) => ("code" in answer ? [answer] : []));
  if (findings.length > 0) return compilationError("lookup_failed", findings);
  for (const [index, { path }] of missing.entries()) {
    const answer = answers[index];
    if (answer !== undefined && "response" in answer) pinned.set(path, answer);
  }
  return undefined;
}

async function askOne(lookup: MissingLookup, ask: Ask): Promise<PinnedAnswer | Diagnostic> {
  try {
    const { response, performedAt } = await ask(lookup);
    return checkedAnswer(lookup, response, performedAt);
  } catch (error) {
    const code = isRunsealError(error) ? error.code : "resolve.handler_threw";
    const message = error instanceof Error ? error.message : "it threw something that is no error";
    return errorFinding(code, lookup.path, redactText(`"${lookup.verb.contract.name}" could not be asked: ${message}`));
  }
}

function checkedAnswer({ path, verb }: MissingLookup, response: unknown, performedAt: number): PinnedAnswer | Diagnostic {
  const read = readValue(response);
  if (isRunsealError(read)) return errorFinding("resolve.answer_refused", path, read.message);
  const { issues } = completeTree(verb.contract.result, treeOfJson(read), verb.result);
  if (issues.length === 0) return { response: read, performedAt };
  const wrong = issues.map((issue) => `"${jsonPointer(issue.path)}" ${issue.message}`).join("; ");
  return errorFinding(
    "resolve.answer_refused",
    path,
    `"${verb.contract.name}" answered what its result does not allow: ${wrong}`,
  );
}
