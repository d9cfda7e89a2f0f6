import type { CompileContext } from "../model/invocation.js";
import type { JsonValue } from "../json/value.js";
import type { MissingField } from "../model/outcome.js";
import type { ValuePath } from "../model/expression.js";
import type { SchemaDescription } from "../model/schema-description.js";
import { completeTree } from "./complete-tree.js";
import { findSecret } from "../secrets/detect.js";
import { isRunsealError } from "../errors/error.js";
import { literalOf, treeOfJson } from "../expression/literal.js";
import { readValue } from "./read-value.js";

/** Members of the context that a macro may bind by name. Of those that are objects, only the members used are sealed. */
const AMBIENT = [
  "now",
  "operator",
  "session",
  "requestedBy",
  "facts",
  "completedVerbs",
  "structureType",
  "snapshotCursor",
] as const;

/** A bound value (`undefined` = absent, where that is allowed), or the field that the operator has to supply. */
export type Bound = { readonly value: JsonValue | undefined } | { readonly field: MissingField };

/** The values that `bind(name)` reads: what the caller bound, then the members of the context. */
export class Bindings {
  readonly #context: CompileContext;
  readonly #read = new Map<string, { readonly expected: SchemaDescription | undefined; readonly bound: Bound }>();

  constructor(context: CompileContext) {
    this.#context = context;
  }

  /** The whole value bound to a name, as far as it is what the macro expects; defaults are filled in. */
  read(name: string, expected: SchemaDescription | undefined): Bound {
    const known = this.#read.get(name);
    if (known !== undefined && known.expected === expected) return known.bound;
    const bound = this.#bind(name, expected);
    this.#read.set(name, { expected, bound });
    return bound;
  }

  /**
   * What of a bound value is sealed when `path` of it is used: the value itself for what the caller bound and for plain members
   * of the context, else the one member that was used. `undefined` when that is absent.
   */
  sealedPart(name: string, path: ValuePath, value: JsonValue): { readonly name: string; readonly value: JsonValue } | undefined {
    if (this.#isBound(name) || value === null || typeof value !== "object" || Array.isArray(value)) return { name, value };
    const part = path.reduce<JsonValue | undefined>(memberOf, value);
    return part === undefined ? undefined : { name: [name, ...path].join("."), value: part };
  }

  #isBound(name: string): boolean {
    return this.#context.bindings !== undefined && Object.hasOwn(this.#context.bindings, name);
  }

  #bind(name: string, expected: SchemaDescription | undefined): Bound {
    const raw = this.#isBound(name) ? this.#context.bindings?.[name] : this.#ambient(name);
    if (raw === undefined) return absent(name, expected);
    const read = readValue(raw);
    if (isRunsealError(read)) return ask(name, [], "not_canonical", read.message);
    const secret = findSecret(read);
    if (secret !== undefined) {
      const way = "bind a reference and read the secret in the handler";
      return ask(name, [], "secret", `the value looks like a secret (${secret.rule}); ${way}`);
    }
    if (expected === undefined) return { value: read };
    const { tree, issues } = completeTree(expected, treeOfJson(read));
    const [issue] = issues;
    if (issue !== undefined) return ask(name, issue.path, issue.reason, issue.message, issue.suggestions);
    return { value: literalOf(tree) };
  }

  #ambient(name: string): unknown {
    const member = AMBIENT.find((known) => known === name);
    if (member === undefined) return undefined;
    return member === "session" ? this.#context.session?.values : this.#context[member];
  }
}

function absent(name: string, expected: SchemaDescription | undefined): Bound {
  if (expected?.type === "optional") return { value: undefined };
  if (expected?.type === "default") return { value: expected.value };
  return ask(name, [], "missing", "the macro needs a value bound to this name; pass it in the bindings of the context");
}

function ask(
  name: string,
  path: readonly (string | number)[],
  reason: MissingField["reason"],
  problem: string,
  suggestions: readonly string[] = [],
): Bound {
  const fieldName = ["bindings", name, ...path].join(".");
  return { field: { fieldName, reason, message: `"${fieldName}": ${problem}`, suggestions, required: true } };
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (value === null || typeof value !== "object") return undefined;
  return Object.hasOwn(value, name) ? (value as { readonly [name: string]: JsonValue })[name] : undefined;
}
