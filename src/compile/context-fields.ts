import type { CompileCatalog } from "./compile-request.js";
import type { CompileContext } from "../model/invocation.js";
import type { MissingField } from "../model/outcome.js";
import { findSecret } from "../secrets/detect.js";
import { isRunsealError } from "../errors/error.js";
import { suggestFrom } from "../catalog/suggest.js";
import { readValue } from "./read-value.js";

const INTENT_LENGTH_MAX = 512;

/** Everything that is wrong with the members of a context that are sealed as they stand. */
export function checkContext(context: CompileContext, catalog: CompileCatalog): readonly MissingField[] {
  return [
    ...checkText("intent", context.intent),
    ...checkText("snapshotCursor", context.snapshotCursor),
    ...checkChoice("uses", context.uses, ["once", "many"]),
    ...checkExecution(context.execution ?? {}),
    ...checkPacks(context.packs ?? [], catalog),
  ];
}

function checkText(fieldName: string, value: unknown): readonly MissingField[] {
  if (value === undefined) return [];
  if (typeof value !== "string" || value === "" || value.length > INTENT_LENGTH_MAX) {
    return [field(fieldName, "wrong_type", `expected a text of 1 to ${INTENT_LENGTH_MAX} characters`)];
  }
  const read = readValue(value);
  if (isRunsealError(read)) return [field(fieldName, "not_canonical", read.message)];
  const secret = findSecret(read);
  return secret === undefined ? [] : [field(fieldName, "secret", `the value looks like a secret (${secret.rule})`)];
}

function checkChoice(fieldName: string, value: unknown, choices: readonly string[]): readonly MissingField[] {
  if (value === undefined || (typeof value === "string" && choices.includes(value))) return [];
  const listed = choices.map((choice) => `"${choice}"`).join(", ");
  return [field(fieldName, "not_in_enumeration", `must be one of ${listed}`, choices)];
}

function checkExecution(execution: NonNullable<CompileContext["execution"]>): readonly MissingField[] {
  const fields = [...checkChoice("execution.onFailure", execution.onFailure, ["stop", "continue_independent"])];
  const { deadlineMs, skipTags } = execution;
  if (deadlineMs !== undefined && !(Number.isSafeInteger(deadlineMs) && deadlineMs > 0)) {
    fields.push(field("execution.deadlineMs", "wrong_type", "expected a whole number of milliseconds above 0"));
  }
  const tags: unknown = skipTags ?? [];
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string" && tag !== "" && !isRunsealError(readValue(tag)))) {
    fields.push(field("execution.skipTags", "wrong_type", "expected a list of tags"));
  }
  return fields;
}

function checkPacks(packs: readonly string[], catalog: CompileCatalog): readonly MissingField[] {
  const known = catalog.packs.map((pack) => pack.id);
  return packs
    .filter((id) => catalog.pack(id) === undefined)
    .map((id) => field("packs", "unknown_name", `"${id}" is no pack of the catalog`, suggestFrom(known, id)));
}

function field(
  fieldName: string,
  reason: MissingField["reason"],
  message: string,
  suggestions: readonly string[] = [],
): MissingField {
  return { fieldName, reason, message, suggestions, required: true };
}
