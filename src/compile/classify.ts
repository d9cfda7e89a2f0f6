import type { Asked } from "./refusals.js";
import type { Clarification, MissingField } from "../model/outcome.js";
import type { CompileCatalog, CompileRequest } from "./compile-request.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { Root } from "./expand-request.js";
import type { Tree } from "../model/expression.js";
import { canonicalTree } from "./canonical-tree.js";
import { checkContext } from "./context-fields.js";
import { completeTree } from "./complete-tree.js";
import { clarification } from "./refusals.js";
import { didYouMean } from "../catalog/suggest.js";
import { findSecret } from "../secrets/detect.js";
import { isRunsealError, type RunsealError } from "../errors/error.js";
import { literalOf, treeOfJson } from "../expression/literal.js";
import { printJson } from "../expression/print.js";
import { readValue } from "./read-value.js";
import { REDACTED, redact } from "../secrets/redact.js";
import { STEP_ARGS_BYTES_MAX } from "./step-args-bytes-max.js";
import { NO_SECRET_REFERENCE } from "../secrets/reference.js";

/** An invocation whose name is known and whose arguments fit. */
export interface Classified {
  readonly kind: "classified";
  readonly root: Root;
  /** The arguments as the parse gives them: defaults filled in, undefined members left out. */
  readonly args: JsonValue;
  /** Canonical text of the tree that stands for them. */
  readonly argsText: string;
  /** What was asked, made only when a question goes back. */
  readonly asked: () => Asked;
}

const EXTRACT_LENGTH_MAX = 200;

/**
 * Finds the macro or verb that an invocation names and checks its arguments (A-022, A-032, decision 2.3).
 *
 * Macros are looked up first. Whatever the operator has to supply or correct comes in one clarification: arguments that are missing,
 * unknown, of the wrong type, outside their choices, not canonical, or secrets; and members of the context.
 */
export function classify(request: CompileRequest): Classified | Clarification {
  const { catalog, invocation, context = {} } = request;
  const root = rootOf(catalog, invocation.name);
  if (root === undefined) return unknownName(catalog, invocation.name);
  const read = readArguments(invocation.args);
  const asked = (): Asked => ({
    name: invocation.name,
    isMacro: root.kind === "macro",
    extractedArgs: extracts(read.args, checked.fields),
  });
  const checked = checkArguments(root, read);
  const fields = [...checked.fields, ...checkContext(context, catalog)];
  if (fields.length > 0) return clarification(fields, asked());
  const argsText = textOf(root, checked.args);
  if (isRunsealError(argsText)) return clarification([notCanonical(argsText)], asked());
  return { kind: "classified", root, args: checked.args, argsText, asked };
}

/** The arguments of a verb are those of its one step, and no larger; those of a macro are spread over many. */
function textOf(root: Root, args: JsonValue): string | RunsealError {
  try {
    return canonicalTree(treeOfJson(args), root.kind === "verb" ? STEP_ARGS_BYTES_MAX : undefined).text;
  } catch (error) {
    if (isRunsealError(error, "value.too_large")) return error;
    throw error;
  }
}

function rootOf(catalog: CompileCatalog, name: string): Root | undefined {
  const macro = catalog.macro(name);
  if (macro !== undefined) return { kind: "macro", macro };
  const verb = catalog.verb(name);
  return verb === undefined ? undefined : { kind: "verb", verb };
}

function unknownName(catalog: CompileCatalog, name: unknown): Clarification {
  const text = typeof name === "string" ? name : typeof name;
  const suggestions = typeof name === "string" ? catalog.suggest(name) : [];
  const message = `"${text}" is no verb or macro of the catalog${didYouMean(suggestions)}`;
  const field: MissingField = { fieldName: "name", reason: "unknown_name", message, suggestions, required: true };
  return clarification([field], { name: text, isMacro: false, extractedArgs: {} });
}

interface ReadArguments {
  /** What could be read. */
  readonly args: JsonObject;
  readonly fields: readonly MissingField[];
  /** Arguments that are there and could not be read, so that they are not called missing as well. */
  readonly unreadable: ReadonlySet<string>;
}

function readArguments(args: unknown): ReadArguments {
  const whole = readValue(args ?? {});
  if (!isRunsealError(whole)) {
    if (isObject(whole)) return { args: whole, fields: [], unreadable: new Set() };
    const message = `the arguments are an object of names and values, found ${printJson(whole)}`;
    return { args: {}, fields: [fieldOf("args", "wrong_type", message)], unreadable: new Set() };
  }
  const read = ownMembers(args).map(([name, holder]) => [name, readValue(holder)] as const);
  const fields = read.flatMap(([, value]) => (isRunsealError(value) ? [notCanonical(value)] : []));
  if (fields.length === 0) return { args: {}, fields: [notCanonical(whole)], unreadable: new Set() };
  const good = read.flatMap(([, value]) => (isRunsealError(value) || !isObject(value) ? [] : Object.entries(value)));
  const bad = read.filter(([, value]) => isRunsealError(value)).map(([name]) => name);
  return { args: Object.fromEntries(good), fields, unreadable: new Set(bad) };
}

/** Each member of what a caller passed in an object of its own, read without running code of the caller's; none where that fails. */
function ownMembers(args: unknown): readonly (readonly [string, object])[] {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return [];
  try {
    return Object.entries(Object.getOwnPropertyDescriptors(args)).map(([name, descriptor]) => [
      name,
      Object.defineProperty({}, name, descriptor),
    ]);
  } catch {
    return [];
  }
}

function notCanonical(error: { readonly message: string; readonly details: object }): MissingField {
  const pointer = "pointer" in error.details && typeof error.details.pointer === "string" ? error.details.pointer : "";
  const path = pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return fieldOf(path.length === 0 ? "args" : path.join("."), "not_canonical", error.message);
}

function checkArguments(root: Root, read: ReadArguments): { readonly args: JsonValue; readonly fields: readonly MissingField[] } {
  const description = root.kind === "macro" ? root.macro.definition.params : root.verb.contract.args;
  const schema = root.kind === "macro" ? root.macro.params : root.verb.args;
  const tree = treeOfJson(read.args);
  const { tree: checked, issues } = completeTree(description, tree, schema);
  const fields = issues
    .filter((issue) => !(issue.reason === "missing" && read.unreadable.has(String(issue.path[0]))))
    .map((issue): MissingField => {
      const fieldName = issue.path.length === 0 ? "args" : issue.path.join(".");
      const required = issue.reason !== "unknown_argument";
      return {
        fieldName,
        reason: issue.reason,
        message: `"${fieldName}" ${issue.message}`,
        suggestions: issue.suggestions,
        required,
      };
    });
  const all = [...read.fields, ...fields, ...secretsIn(read.args)];
  return { args: isSame(checked, read.args) ? read.args : literalOf(checked), fields: all };
}

function isSame(tree: Tree, value: JsonValue): boolean {
  return tree === value;
}

function secretsIn(args: JsonObject): readonly MissingField[] {
  return Object.entries(args).flatMap(([name, value]) => {
    const secret = findSecret({ [name]: value });
    if (secret === undefined) return [];
    const fieldName = secret.pointer.slice(1).replaceAll("/", ".");
    const message = `"${fieldName}" looks like a secret (${secret.rule}); pass a reference and read the secret in the handler`;
    return [fieldOf(fieldName, "secret", message)];
  });
}

/** What was understood, for showing: short texts, secrets taken out, and what stands where a reference to a secret was wanted. */
function extracts(args: JsonObject, faults: readonly MissingField[]): { readonly [name: string]: string } {
  const noReference = faults.filter(({ message }) => message.includes(NO_SECRET_REFERENCE));
  const hidden = new Set(noReference.map(({ fieldName }) => fieldName.split(".", 1)[0]));
  const entries = Object.entries(args).map(([name, value]): readonly [string, string] => {
    if (hidden.has(name)) return [name, REDACTED];
    const clean = redact({ [name]: value });
    const member = isObject(clean) ? Object.values(clean)[0] : undefined;
    const text = typeof member === "string" ? member : printJson(member ?? null);
    return [name, text.length <= EXTRACT_LENGTH_MAX ? text : `${text.slice(0, EXTRACT_LENGTH_MAX)}...`];
  });
  return Object.fromEntries(entries);
}

function fieldOf(fieldName: string, reason: MissingField["reason"], message: string): MissingField {
  return { fieldName, reason, message, suggestions: [], required: true };
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
