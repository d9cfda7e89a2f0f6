import type { EntityLock } from "../history/lock-requests.js";
import type { EntityRef } from "../model/write-set.js";
import type { HandlerEntry } from "../model/handler-entry.js";
import type { JsonValue } from "../json/value.js";
import type { ResultReader } from "./result-reader.js";
import type { Scope } from "../model/ids.js";
import type { SealedStep } from "../model/step.js";
import type { Tree } from "../model/expression.js";
import { copyCanonical } from "../json/copy.js";
import { deepFreeze } from "./deep-freeze.js";
import { isLiteral, literalOf } from "../expression/literal.js";
import { isRunsealError } from "../errors/error.js";
import { isUuid } from "../json/uuid.js";
import { lockRequestsOf } from "../history/lock-requests.js";
import { type Soon, soon } from "./soon.js";
import { writtenEntities } from "./late-subjects.js";

/** Largest arguments of a step: 1 MiB of canonical text. */
const ARGS_BYTES_MAX = 1_048_576;

/** A step whose arguments are complete, or why it does not come to that. */
export type Prepared =
  | { readonly kind: "skip"; readonly reason: string }
  | { readonly kind: "invalid"; readonly issues: readonly string[] }
  | { readonly kind: "undeclared"; readonly entity: EntityRef }
  | {
      readonly kind: "ready";
      /** What the handler gets: parsed, frozen through and through. */
      readonly args: unknown;
      /** The complete arguments, where some were late; else they stand in the runbook. */
      readonly lateArgs: JsonValue | undefined;
      readonly lateLocks: readonly EntityLock[];
    };

/**
 * Decides the condition of a step and completes its arguments from the results of earlier ones: everything short of the handler.
 *
 * @throws {@link RunsealError} `store.corrupt` when a result that is an artifact is not there
 */
export function prepareStep(step: SealedStep, entry: HandlerEntry, results: ResultReader, scope: Scope): Soon<Prepared> {
  const isDue = step.when === undefined ? true : results.reduced(step.when);
  return soon(isDue, (due): Soon<Prepared> => {
    if (due !== true) return { kind: "skip", reason: "condition" };
    return soon(results.reduced(step.args), (tree) => preparedWith(step, entry, scope, tree));
  });
}

function preparedWith(step: SealedStep, entry: HandlerEntry, scope: Scope, tree: Tree | undefined): Prepared {
  const complete = completeArgs(tree ?? {}, tree !== step.args);
  if (complete.issue !== undefined) return { kind: "invalid", issues: [complete.issue] };
  const parsed = parseSafely(entry, complete.args);
  if (!parsed.ok) return { kind: "invalid", issues: parsed.issues };
  const late = step.lateWrites.length === 0 ? NOTHING_LATE : lateEntities(step, entry, complete.args);
  if ("undeclared" in late) return { kind: "undeclared", entity: late.undeclared };
  const lateLocks = late.entities.length === 0 ? [] : lockRequestsOf(scope, late.entities.map(asWrite));
  const lateArgs = tree === step.args ? undefined : complete.args;
  return { kind: "ready", args: deepFreeze(parsed.value), lateArgs, lateLocks };
}

const NOTHING_LATE: { readonly entities: readonly EntityRef[] } = { entities: [] };

function asWrite({ kind, id }: EntityRef): EntityRef & { readonly access: "write" } {
  return { kind, id, access: "write" };
}

type Complete = { readonly args: JsonValue; readonly issue?: undefined } | { readonly issue: string };

function completeArgs(tree: Tree, isLate: boolean): Complete {
  if (!isLiteral(tree)) return { issue: "/: an expression is left that has no value while running" };
  if (!isLate) return { args: literalOf(tree) };
  try {
    return { args: copyCanonical(literalOf(tree), { bytesMax: ARGS_BYTES_MAX }) };
  } catch (error) {
    if (isRunsealError(error)) return { issue: `/: ${error.message}` };
    throw error;
  }
}

function parseSafely(entry: HandlerEntry, args: JsonValue): ReturnType<HandlerEntry["parseArgs"]> {
  try {
    return entry.parseArgs(args);
  } catch (error) {
    return { ok: false, issues: [`/: the check threw (${typeof error})`] };
  }
}

/** Entities that the complete arguments write and that were not known when sealing (decision 2.9). */
function lateEntities(
  step: SealedStep,
  entry: HandlerEntry,
  args: JsonValue,
): { readonly entities: readonly EntityRef[] } | { readonly undeclared: EntityRef } {
  const known = new Set(step.writes.map(entityText));
  const kinds = new Set(step.lateWrites.map((write) => write.kind));
  const entities = writtenEntities(entry.contract.args, args).filter((entity) => !known.has(entityText(entity)));
  const undeclared = entities.find((entity) => !kinds.has(entity.kind));
  return undeclared === undefined ? { entities } : { undeclared };
}

/** One text per entity: a UUID names the same entity under every kind and in any case. */
export function entityText(entity: EntityRef): string {
  const { kind, id } = entity;
  return isUuid(id) ? id.toLowerCase() : [kind, id].join(":");
}
