import type { z } from "zod";
import type { JsonValue } from "../json/value.js";
import type { SchemaDescription } from "../model/schema-description.js";
import { isRunsealError } from "../errors/error.js";
import { redactText } from "../secrets/redact.js";
import { captureJson } from "./capture.js";
import { checkTree, notAccepted, unknownArgument, type ValueIssue } from "./check-tree.js";
import type { Macro } from "./macro.js";
import { member } from "./schema-definition.js";
import type { Verb } from "./verb.js";

/** What a check at a door gives: the value to seal or store, or everything that is wrong with it. */
export type ParsedValue =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly issues: readonly ValueIssue[] };

/**
 * Checks the arguments of a verb and completes them: defaults are filled in, members that are `undefined` are left out.
 *
 * Unknown members are refused at every depth, whatever zod would do with them; only what was written as `z.looseObject` keeps
 * them. All issues are listed, in the order of the value.
 *
 * @returns a deeply frozen copy, equal to what parsing it again gives
 */
export function parseArgs(verb: Verb, value: unknown): ParsedValue {
  return parse(verb.args, verb.contract.args, value, "refuse");
}

/** Checks the parameters of a macro as {@link parseArgs} does the arguments of a verb. */
export function parseParams(macro: Macro, value: unknown): ParsedValue {
  return parse(macro.params, macro.definition.params, value, "refuse");
}

/** Checks what a handler, a signal or a decision gave as the result of a verb; members that the schema strips are left out. */
export function parseResult(verb: Verb, value: unknown): ParsedValue {
  return parse(verb.result, verb.contract.result, value, "strip");
}

/** One line for a person: `owner.email: is missing`. */
export function issueText(issue: ValueIssue): string {
  return `${issue.path.length === 0 ? "value" : issue.path.join(".")}: ${issue.message}`;
}

function parse(schema: z.ZodType, description: SchemaDescription, given: unknown, stray: "refuse" | "strip"): ParsedValue {
  const value = canonical(given);
  if (!value.ok) return value;
  const ours = checkTree(value.value, description, { isData: true });
  const parsed = safely(schema, value.value);
  const theirs = parsed.ok ? [] : parsed.issues.filter((issue) => !ours.some((own) => isRelated(own.path, issue.path)));
  if (!parsed.ok || ours.length > 0) return { ok: false, issues: [...ours, ...theirs] };
  const output = canonical(parsed.value);
  if (!output.ok) return output;
  if (stray === "strip" || keepsMembers(value.value, output.value)) return output;
  return { ok: false, issues: lostMembers(value.value, output.value, []) };
}

function canonical(value: unknown): ParsedValue {
  try {
    return { ok: true, value: captureJson(value) };
  } catch (error) {
    if (isRunsealError(error, "value.not_canonical")) {
      return refused("not_canonical", `holds ${error.details.found}`, pathOf(error.details.pointer));
    }
    if (isRunsealError(error, "value.too_deep")) return refused("not_canonical", "is nested too deep", []);
    // the walk throws coded errors only, and this is the last of them
    return refused("not_canonical", "is too large", []);
  }
}

function safely(
  schema: z.ZodType,
  value: JsonValue,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly issues: readonly ValueIssue[] } {
  let parsed: z.ZodSafeParseResult<unknown>;
  try {
    parsed = schema.safeParse(value);
  } catch {
    // only a check of the author's can throw here; what it threw may hold the value, so that it is not repeated
    return { ok: false, issues: [notAccepted("made a check throw", [])] };
  }
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, issues: parsed.error.issues.map(issueOf) };
}

function issueOf(issue: z.core.$ZodIssue): ValueIssue {
  const path = issue.path.map(String);
  if (issue.code === "invalid_format") return notAccepted(`does not have the format "${issue.format}"`, path);
  if (issue.code === "custom" && issue.message !== "") return notAccepted(redactText(issue.message), path);
  return notAccepted("is not accepted by its schema", path);
}

/** Tells whether two issues speak of one part, or one of a part of the other: then ours says it better. */
function isRelated(a: ValueIssue["path"], b: ValueIssue["path"]): boolean {
  const [outer, inner] = a.length <= b.length ? [a, b] : [b, a];
  return outer.every((name, index) => String(name) === String(inner[index]));
}

/** Whether parsing dropped nothing, as nearly always; else {@link lostMembers} says what. */
function keepsMembers(before: JsonValue, after: JsonValue): boolean {
  if (before === null || typeof before !== "object" || after === null || typeof after !== "object") return true;
  return Object.keys(before).every(
    (name) => Object.hasOwn(after, name) && keepsMembers(member(before, name) as JsonValue, member(after, name) as JsonValue),
  );
}

/** Members that parsing dropped: no schema of a contract changes a value otherwise, so that this is exact for unions too. */
function lostMembers(before: JsonValue, after: JsonValue, path: readonly string[]): readonly ValueIssue[] {
  if (before === null || typeof before !== "object" || after === null || typeof after !== "object") return [];
  return Object.entries<JsonValue>(before).flatMap(([name, inner]) =>
    Object.hasOwn(after, name)
      ? lostMembers(inner, member(after, name) as JsonValue, [...path, name])
      : [unknownArgument(name, [], path)],
  );
}

function refused(code: ValueIssue["code"], message: string, path: ValueIssue["path"]): ParsedValue {
  return { ok: false, issues: [{ path, code, message, suggestions: [] }] };
}

function pathOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}
