import type { CompileContext } from "../model/invocation.js";
import type { JsonValue } from "../json/value.js";
import type { MissingField } from "../model/outcome.js";
import type { ValuePath } from "../model/expression.js";
import { findSecret } from "../secrets/detect.js";
import { isRunsealError } from "../errors/error.js";
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

/** A bound value, or the field that the operator has to supply. */
export type Bound = { readonly value: JsonValue } | { readonly field: MissingField };

/** The values that `bind(name)` reads: what the caller bound, then the members of the context. */
export class Bindings {
  readonly #context: CompileContext;
  readonly #read = new Map<string, Bound>();

  constructor(context: CompileContext) {
    this.#context = context;
  }

  /** The whole value bound to a name. */
  read(name: string): Bound {
    const known = this.#read.get(name);
    if (known !== undefined) return known;
    const bound = this.#bind(name);
    this.#read.set(name, bound);
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

  #bind(name: string): Bound {
    const raw = this.#isBound(name) ? this.#context.bindings?.[name] : this.#ambient(name);
    const fieldName = `bindings.${name}`;
    if (raw === undefined) {
      const message = `the macro needs a value bound to "${name}"; pass it in the context's bindings`;
      return { field: { fieldName, reason: "missing", message, suggestions: [], required: true } };
    }
    const read = readValue(raw);
    if (isRunsealError(read)) {
      return { field: { fieldName, reason: "not_canonical", message: read.message, suggestions: [], required: true } };
    }
    const secret = findSecret(read);
    if (secret === undefined) return { value: read };
    const message = `the value looks like a secret (${secret.rule}); bind a reference and read the secret in the handler`;
    return { field: { fieldName, reason: "secret", message, suggestions: [], required: true } };
  }

  #ambient(name: string): unknown {
    const member = AMBIENT.find((known) => known === name);
    if (member === undefined) return undefined;
    return member === "session" ? this.#context.session?.values : this.#context[member];
  }
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (value === null || typeof value !== "object") return undefined;
  return Object.hasOwn(value, name) ? (value as { readonly [name: string]: JsonValue })[name] : undefined;
}
