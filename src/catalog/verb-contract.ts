import type { z } from "zod";
import { TRANSACTION_MS_MAX } from "../model/verb.js";
import type { Mode, Recovery, RetryPolicy, Undo, VerbContract } from "../model/verb.js";
import type { SchemaDescription } from "../model/schema-description.js";
import { digestOf } from "../json/digest.js";
import { copyCanonical } from "../json/copy.js";
import { parseDuration } from "../time/duration.js";
import { describeSchema } from "./describe-schema.js";
import { invalidVerb } from "./invalid-verb.js";
import { isName, isVersion } from "./name.js";
import { recordInverse } from "./record-inverse.js";
import { refuseUnknown } from "./refuse-unknown.js";
import { isSchema, member } from "./schema-definition.js";
import type { EffectFields, VerbFields } from "./verb-fields.js";

const TIMEOUT_MS = 300_000;
const TIMEOUT_MS_MAX = 2_147_483_647;
const MODES: readonly unknown[] = ["sync", "durable", "human_gate"];
const RECOVERIES: readonly unknown[] = ["idempotent", "reconcile", "manual"];
const FIELDS = new Set([
  "name",
  "version",
  "args",
  "result",
  "effect",
  "recovery",
  "mode",
  "retry",
  "timeout",
  "tags",
  "sentence",
  "undo",
  "replayable",
  "retired",
  "transactional",
]);

/** The fields of any verb, whatever its types. */
export type AnyVerbFields = VerbFields<string, number, z.ZodType, z.ZodType, Mode> & EffectFields<Recovery | undefined>;

/**
 * The contract of a verb from what its author wrote, checked and completed; see {@link defineVerb}.
 *
 * @throws {@link RunsealError} `verb.invalid`, `schema.not_describable`
 */
export function contractOf(fields: AnyVerbFields): VerbContract {
  checkFields(fields);
  const { name, version, effect, recovery, mode = "sync" } = fields;
  const args = refuseUnknown(describeSchema(fields.args));
  if (args.type !== "object") throw invalidVerb(name, "args", "are no object; use z.object({ ... })");
  const result = describeSchema(fields.result);
  const undo = fields.undo === undefined ? undefined : recordInverse(name, fields.undo, { args, result });
  const transactional = member(fields, "transactional") === true;
  const meaning: Meaning = {
    name,
    version,
    args,
    result,
    effect,
    ...(recovery === undefined ? {} : { recovery }),
    mode,
    ...(transactional && { transactional }),
    ...(undo === undefined ? {} : { undo }),
  };
  checkSentence(name, fields.sentence, args.fields);
  return frozen({
    ...meaning,
    retired: fields.retired ?? false,
    retry: retryOf(fields),
    timeoutMs: timeoutOf(fields),
    tags: [...(fields.tags ?? [])],
    ...(fields.sentence === undefined ? {} : { sentence: fields.sentence }),
    replayable: fields.replayable ?? false,
    digest: contractDigest(meaning),
  });
}

/** What a contract means: the part that its digest covers (decision 1.7). */
export type Meaning = Pick<VerbContract, "name" | "version" | "args" | "result" | "effect" | "mode"> & {
  readonly recovery?: Recovery;
  readonly transactional?: true;
  readonly undo?: Undo;
};

/** The digest of a contract: its meaning, without texts, tags, timeout and retries. */
function contractDigest(contract: Meaning): string {
  const { name, version, args, result, effect, recovery, mode, transactional, undo } = contract;
  const optional = {
    ...(recovery === undefined ? {} : { recovery }),
    ...(transactional === undefined ? {} : { transactional }),
    ...(undo === undefined ? {} : { undo }),
  };
  return digestOf("runseal/contract/1", { name, version, args, result, effect, mode, ...optional });
}

function checkFields(fields: AnyVerbFields): void {
  if (typeof fields !== "object" || (fields as unknown) === null) throw invalidVerb("?", "contract", "is no object");
  const { name } = fields;
  const stray = Object.keys(fields).find((field) => !FIELDS.has(field));
  if (stray !== undefined) throw invalidVerb(name, stray, "is not a field of a verb");
  if (!isName(name)) throw invalidVerb(name, "name", 'is not "domain.action" in lower-case letters, digits and _');
  if (!isVersion(fields.version)) throw invalidVerb(name, "version", "is not 1, 2, 3 ...");
  for (const field of ["args", "result"] as const) {
    if (!isSchema(fields[field])) throw invalidVerb(name, field, "is no zod 4 schema");
  }
  checkEffect(name, member(fields, "effect"), member(fields, "recovery"));
  if (fields.mode !== undefined && !MODES.includes(fields.mode))
    throw invalidVerb(name, "mode", "is not sync, durable or human_gate");
  if (fields.tags !== undefined && !isTextList(fields.tags)) throw invalidVerb(name, "tags", "are no list of words");
  for (const field of ["replayable", "retired"] as const) {
    if (fields[field] !== undefined && typeof fields[field] !== "boolean") throw invalidVerb(name, field, "is not true or false");
  }
  checkTransactional(fields);
  if (fields.replayable === true && fields.effect !== "read") throw invalidVerb(name, "replayable", "is for verbs that read");
}

function checkTransactional(fields: AnyVerbFields): void {
  const { name, effect, mode = "sync" } = fields;
  const transactional = member(fields, "transactional");
  if (transactional === undefined || transactional === false) return;
  if (transactional !== true) throw invalidVerb(name, "transactional", "is not true or false");
  if (effect !== "write" || mode !== "sync") throw invalidVerb(name, "transactional", "is for verbs of mode sync that write");
}

function checkEffect(name: string, effect: unknown, recovery: unknown): void {
  if (effect !== "pure" && effect !== "read" && effect !== "write")
    throw invalidVerb(name, "effect", "is not pure, read or write");
  if (effect !== "write" && recovery !== undefined) throw invalidVerb(name, "recovery", "is for verbs that write");
  if (effect === "write" && !RECOVERIES.includes(recovery)) {
    throw invalidVerb(name, "recovery", "is missing: a verb that writes is idempotent, reconcile or manual");
  }
}

/** A misspelled member would be a policy that nobody meant. */
function checkRetryFields(name: string, retry: unknown): void {
  if (typeof retry !== "object" || retry === null) throw invalidVerb(name, "retry", "is no object");
  const unknown = Object.keys(retry).find((field) => !["attemptsMax", "baseMs", "maxMs"].includes(field));
  if (unknown === undefined) return;
  throw invalidVerb(name, "retry", `has ${JSON.stringify(unknown.slice(0, 80))}, which is not attemptsMax, baseMs or maxMs`);
}

/** Decision 3.13: what is safe to repeat is tried three times. */
function retryOf({ name, effect, recovery, retry = {} }: AnyVerbFields): RetryPolicy {
  checkRetryFields(name, retry);
  const isSafe = effect !== "write" || recovery === "idempotent";
  const { attemptsMax = isSafe ? 3 : 1, baseMs = 200, maxMs = 30_000 } = retry;
  const isCount = (value: unknown, min: number): boolean => Number.isSafeInteger(value) && Number(value) >= min;
  if (!isCount(attemptsMax, 1) || attemptsMax > 1000) throw invalidVerb(name, "retry", "has attemptsMax that is not 1 to 1000");
  if (!isCount(baseMs, 0) || !isCount(maxMs, baseMs) || maxMs > TIMEOUT_MS_MAX) {
    throw invalidVerb(name, "retry", "needs 0 <= baseMs <= maxMs, in milliseconds");
  }
  return { attemptsMax, baseMs, maxMs };
}

function timeoutOf(fields: AnyVerbFields): number {
  const { name, timeout } = fields;
  if (timeout === undefined) return member(fields, "transactional") === true ? TRANSACTION_MS_MAX : TIMEOUT_MS;
  try {
    const timeoutMs = parseDuration(timeout, "timeout");
    if (timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs;
  } catch (cause) {
    throw invalidVerb(name, "timeout", 'is no span of time like "30s"', { cause });
  }
  throw invalidVerb(name, "timeout", "is not 1 ms to 24 days");
}

function checkSentence(name: string, sentence: unknown, fields: { readonly [name: string]: SchemaDescription }): void {
  if (sentence === undefined) return;
  if (typeof sentence !== "string" || sentence === "") throw invalidVerb(name, "sentence", "is not a text");
  for (const [, field = ""] of sentence.matchAll(/\{([^{}]*)\}/g)) {
    const [root = ""] = field.split(".");
    if (!Object.hasOwn(fields, root)) throw invalidVerb(name, "sentence", `speaks of {${field}}, which is no argument`);
  }
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");
}

/** Contracts are data: the copy makes sure that nothing else is in them. */
function frozen(contract: VerbContract): VerbContract {
  return Object.freeze({ ...contract, ...(copyCanonical(contract) as object) });
}
