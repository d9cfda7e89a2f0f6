import type { JsonValue } from "../json/value.js";
import type { MissingField } from "../model/outcome.js";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import type { ValueSchema } from "./compile-request.js";
import { NO_SECRET_REFERENCE, SECRET_REFERENCE_PATTERN } from "../secrets/reference.js";
import { define, isLiteral, literalOf, treeOfJson } from "../expression/literal.js";
import { describeSchema, hasParts, needsCode, patternOf } from "./schema-words.js";
import type { WithParts } from "./schema-words.js";
import { didYouMean, suggestFrom } from "../catalog/suggest.js";
import { isEqual } from "../expression/operate.js";
import { isExpression } from "../model/expression.js";
import { isList } from "../expression/references.js";

/** One thing that is wrong with a value. */
export interface TreeIssue {
  readonly path: readonly (string | number)[];
  readonly reason: MissingField["reason"];
  readonly message: string;
  /** Values that would be right, nearest first. */
  readonly suggestions: readonly string[];
}

/** A tree with its defaults filled in, and everything that is wrong with it. */
export interface CompletedTree {
  readonly tree: Tree;
  readonly issues: readonly TreeIssue[];
}

/**
 * Checks a tree against a description as far as its values are known, and fills in defaults.
 *
 * A late value passes anywhere: it is checked at dispatch. Members that the description does not name are refused, or dropped
 * where it says so. The given tree is not changed; parts that stay equal are shared. Where the whole value is known and the
 * description names a check that it does not hold (a format, an opaque check), `schema` has the last word.
 *
 * @param around - the descriptions around this one, outermost first, that its recursion may name
 * @remarks Time O(nodes), times the options of unions on the way.
 */
export function completeTree(
  description: SchemaDescription,
  tree: Tree,
  schema?: ValueSchema,
  around: readonly SchemaDescription[] = [],
): CompletedTree {
  const check = new TreeCompletion(around);
  const checked = check.value(description, tree, false);
  if (check.issues.length > 0 || schema === undefined || !needsCode(description) || !isLiteral(checked)) {
    return { tree: checked, issues: check.issues };
  }
  return { tree: checked, issues: issuesOfSchema(schema, literalOf(checked)) };
}

function issuesOfSchema(schema: ValueSchema, value: JsonValue): readonly TreeIssue[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => ({
    path: path.map((name) => (typeof name === "symbol" ? String(name) : name)),
    reason: "wrong_type",
    message,
    suggestions: [],
  }));
}

class TreeCompletion {
  issues: TreeIssue[] = [];
  readonly #path: (string | number)[] = [];
  readonly #around: SchemaDescription[];

  constructor(around: readonly SchemaDescription[]) {
    this.#around = [...around];
  }

  /** Checks a node; `raw` = plain JSON, in which a member `$` means nothing. */
  value(description: SchemaDescription, node: Tree, raw: boolean): Tree {
    if (!raw && typeof node === "object" && node !== null && !isList(node) && isExpression(node)) {
      if (node.$ !== "literal") return node;
      const value = this.value(description, node.value, true);
      return value === node.value ? node : { $: "literal", value };
    }
    if (description.type === "recursive") return this.#recursive(description.depth, node, raw);
    if (!hasParts(description)) {
      this.#scalar(description, node);
      return node;
    }
    this.#around.push(description);
    const completed = this.#parts(description, node, raw);
    this.#around.pop();
    return completed;
  }

  #parts(description: WithParts, node: Tree, raw: boolean): Tree {
    switch (description.type) {
      case "optional":
      case "default":
        return this.value(description.of, node, raw);
      case "object":
        return this.#object(description, node, raw);
      case "array":
        return this.#array(description, node, raw);
      case "tuple":
        return this.#tuple(description, node, raw);
      case "record":
        return this.#record(description, node, raw);
      case "union":
        return this.#union(description, node, raw);
    }
  }

  /** Depths count from the root, so what stands inside the meant description is put away while it is checked. */
  #recursive(depth: number, node: Tree, raw: boolean): Tree {
    const inner = this.#around.splice(depth);
    const [meant] = inner;
    const checked = meant === undefined ? node : this.value(meant, node, raw);
    this.#around.push(...inner);
    return checked;
  }

  #scalar(description: SchemaDescription, node: Tree): void {
    switch (description.type) {
      case "string":
        this.#string(description, node);
        break;
      case "integer":
        if (!Number.isSafeInteger(node)) this.#expected(description, node);
        else this.#bounds(description, Number(node), "");
        break;
      case "boolean":
        if (typeof node !== "boolean") this.#expected(description, node);
        break;
      case "null":
        if (node !== null) this.#expected(description, node);
        break;
      case "enum":
        if (typeof node !== "string" || !description.values.includes(node)) this.#outside(description.values, node);
        break;
      case "literal":
        if (!description.values.some((value) => isEqual(value, node))) {
          this.#outside(
            description.values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
            node,
          );
        }
        break;
      default:
    }
  }

  #string(description: Extract<SchemaDescription, { type: "string" }>, node: Tree): void {
    if (typeof node !== "string") {
      this.#expected(description, node);
      return;
    }
    this.#bounds(description, node.length, " characters");
    const pattern = patternOf(description);
    if (pattern?.test(node) === false) this.#issue("wrong_type", unlike(pattern));
  }

  #bounds(bounds: { readonly min?: number; readonly max?: number }, size: number, unit: string): void {
    const { min, max } = bounds;
    if (min !== undefined && size < min) this.#issue("wrong_type", `must be at least ${min}${unit}, found ${size}`);
    if (max !== undefined && size > max) this.#issue("wrong_type", `must be at most ${max}${unit}, found ${size}`);
  }

  #object(description: Extract<SchemaDescription, { type: "object" }>, node: Tree, raw: boolean): Tree {
    if (node === null || typeof node !== "object" || isList(node)) return this.#expected(description, node);
    const object = node as { readonly [name: string]: Tree };
    let copy: Record<string, Tree> | undefined;
    let present = 0;
    for (const name of Object.keys(object)) {
      const member = object[name] as Tree;
      const field = Object.hasOwn(description.fields, name) ? description.fields[name] : undefined;
      if (field === undefined) {
        if (description.unknown === "refuse") this.#unknown(name, Object.keys(description.fields));
        if (description.unknown === "strip") {
          copy ??= copyOf(object);
          Reflect.deleteProperty(copy, name);
        }
        continue;
      }
      present += 1;
      this.#path.push(name);
      const checked = this.value(field, member, raw);
      this.#path.pop();
      if (checked !== member) define((copy ??= copyOf(object)), name, checked);
    }
    const fields = fieldsOf(description);
    if (present === fields.length) return copy ?? node;
    for (const [name, field] of fields) {
      if (Object.hasOwn(object, name)) continue;
      const fallback = defaultOf(field);
      if (fallback !== undefined) define((copy ??= copyOf(object)), name, raw ? fallback : treeOfJson(fallback));
      else if (description.required.includes(name)) this.#missing(name, field);
    }
    return copy ?? node;
  }

  #array(description: Extract<SchemaDescription, { type: "array" }>, node: Tree, raw: boolean): Tree {
    if (!isNodeList(node)) return this.#expected(description, node);
    this.#bounds(description, node.length, " items");
    return this.#items(node, raw, () => description.item);
  }

  #tuple(description: Extract<SchemaDescription, { type: "tuple" }>, node: Tree, raw: boolean): Tree {
    const { items, rest } = description;
    const fits = isNodeList(node) && node.length >= items.length && (rest !== undefined || node.length === items.length);
    return fits ? this.#items(node, raw, (index) => items[index] ?? rest) : this.#expected(description, node);
  }

  #items(list: readonly Tree[], raw: boolean, itemAt: (index: number) => SchemaDescription | undefined): Tree {
    let copy: Tree[] | undefined;
    for (let index = 0; index < list.length; index += 1) {
      const item = list[index] as Tree;
      this.#path.push(index);
      const checked = this.value(itemAt(index) ?? { type: "json" }, item, raw);
      this.#path.pop();
      if (checked !== item) (copy ??= [...list])[index] = checked;
    }
    return copy ?? list;
  }

  #record(description: Extract<SchemaDescription, { type: "record" }>, node: Tree, raw: boolean): Tree {
    if (node === null || typeof node !== "object" || isList(node)) return this.#expected(description, node);
    const object = node as { readonly [name: string]: Tree };
    const names = Object.keys(object);
    this.#bounds(description, names.length, " entries");
    let copy: Record<string, Tree> | undefined;
    for (const name of names) {
      const member = object[name] as Tree;
      this.#path.push(name);
      this.value(description.key, name, true);
      const checked = this.value(description.value, member, raw);
      this.#path.pop();
      if (checked !== member) define((copy ??= copyOf(object)), name, checked);
    }
    return copy ?? node;
  }

  /** Takes the first option without an issue; else tells what is wrong with the option that was meant. */
  #union(description: Extract<SchemaDescription, { type: "union" }>, node: Tree, raw: boolean): Tree {
    const before = this.issues;
    let meant: TreeIssue[] | undefined;
    for (const option of description.of) {
      this.issues = [];
      const checked = this.value(option, node, raw);
      if (this.issues.length === 0) {
        this.issues = before;
        return checked;
      }
      const isMeant = this.issues.every((issue) => issue.path.length > this.#path.length) || description.of.length === 1;
      if (isMeant && (meant === undefined || this.#isTagged(description, option, node))) meant = this.issues;
    }
    this.issues = before;
    if (meant !== undefined) this.issues.push(...meant);
    else this.#noOption(description, node);
    return node;
  }

  #isTagged(union: Extract<SchemaDescription, { type: "union" }>, option: SchemaDescription, node: Tree): boolean {
    const { discriminator } = union;
    if (discriminator === undefined || option.type !== "object") return false;
    const field = Object.hasOwn(option.fields, discriminator) ? option.fields[discriminator] : undefined;
    const tag = (node as { readonly [name: string]: Tree })[discriminator];
    return field?.type === "literal" && field.values.some((value) => value === tag);
  }

  #noOption(description: Extract<SchemaDescription, { type: "union" }>, node: Tree): void {
    const values = description.of
      .flatMap((option): readonly JsonValue[] => (option.type === "enum" || option.type === "literal" ? option.values : []))
      .filter((value) => typeof value === "string");
    if (values.length > 0 && typeof node === "string") this.#outside(values, node);
    else this.#expected(description, node);
  }

  #missing(name: string, field: SchemaDescription): void {
    this.#path.push(name);
    this.#issue("missing", `is missing; expected ${describeSchema(field)}`, field.type === "enum" ? field.values : []);
    this.#path.pop();
  }

  #unknown(name: string, known: readonly string[]): void {
    const suggestions = suggestFrom(known, name);
    this.#path.push(name);
    this.#issue("unknown_argument", `is not an argument${didYouMean(suggestions)}`, suggestions);
    this.#path.pop();
  }

  #outside(values: readonly string[], node: Tree): void {
    const near = typeof node === "string" ? suggestFrom(values, node) : [];
    const all = [...near, ...values.filter((value) => !near.includes(value))];
    this.#issue("not_in_enumeration", `must be one of ${values.map((value) => `"${value}"`).join(", ")}`, all);
  }

  #expected(description: SchemaDescription, node: Tree): Tree {
    this.#issue("wrong_type", `expected ${describeSchema(description)}, found ${kindOf(node)}`);
    return node;
  }

  #issue(reason: TreeIssue["reason"], message: string, suggestions: readonly string[] = []): void {
    this.issues.push({ path: [...this.#path], reason, message, suggestions });
  }
}

const fieldLists = new WeakMap<SchemaDescription, readonly (readonly [string, SchemaDescription])[]>();

function fieldsOf(
  description: Extract<SchemaDescription, { type: "object" }>,
): readonly (readonly [string, SchemaDescription])[] {
  const known = fieldLists.get(description);
  if (known !== undefined) return known;
  const fields = Object.entries(description.fields);
  fieldLists.set(description, fields);
  return fields;
}

/** The value that stands for an absent member; `undefined` when there is none. */
function defaultOf(description: SchemaDescription): JsonValue | undefined {
  if (description.type === "default") return description.value;
  return description.type === "optional" ? defaultOf(description.of) : undefined;
}

function copyOf(object: { readonly [name: string]: Tree }): Record<string, Tree> {
  return Object.fromEntries(Object.entries(object));
}

function isNodeList(node: Tree): node is readonly Tree[] {
  return Array.isArray(node);
}

function kindOf(node: Tree): string {
  if (node === null) return "null";
  if (isNodeList(node)) return "a list";
  if (typeof node === "number") return Number.isInteger(node) ? "an integer" : "a number";
  return typeof node === "object" ? "an object" : `a ${typeof node}`;
}

/** Why a text is refused by a pattern; of secrets in the words of their author. */
function unlike(pattern: RegExp): string {
  return pattern.source === SECRET_REFERENCE_PATTERN ? NO_SECRET_REFERENCE : `does not match the pattern ${String(pattern)}`;
}
