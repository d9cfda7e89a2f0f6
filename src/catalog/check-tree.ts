import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import type { JsonValue } from "../json/value.js";
import { present } from "../errors/invariant.js";
import { isExpression } from "../model/expression.js";
import { isList } from "../expression/references.js";
import { printJson } from "../expression/print.js";
import { redactText } from "../secrets/redact.js";
import { settle, within, type Place } from "./shape.js";
import { didYouMean, suggestFrom } from "./suggest.js";

/** What is wrong with one part of a value. */
export interface ValueIssue {
  /** Names and indexes from the root of the value. */
  readonly path: readonly (string | number)[];
  readonly code: "missing" | "unknown_argument" | "wrong_type" | "not_in_enumeration" | "not_canonical" | "not_accepted";
  /** Begins after the name of the value: `is missing`, `is 7, not a string`. */
  readonly message: string;
  /** Values or names that would be right, nearest first. */
  readonly suggestions: readonly string[];
}

/** How far a tree is checked. */
export interface CheckOptions {
  /** `true`: every object and string is data, also one that looks like an expression. Default `false`. */
  readonly isData?: boolean;
  /** `true`: members may be missing, as in the expectation of a `require`. Default `false`. */
  readonly isPartial?: boolean;
}

/**
 * Checks a value, or a tree that still holds expressions, against a description as far as it goes.
 *
 * Types, enumerations, literals, bounds, missing and unknown members are checked; expressions fit everywhere. Formats, patterns
 * and opaque checks need the schema: {@link parseArgs}.
 *
 * @returns every issue, in the order of the value's members, the missing ones of an object after its others
 * @remarks Time O(size of the tree · width of unions).
 */
export function checkTree(tree: Tree, description: SchemaDescription, options: CheckOptions = {}): readonly ValueIssue[] {
  return check(tree, { description, enclosing: [] }, [], options);
}

/** Where the check stands; one list for the whole check, of which an issue keeps a copy. */
type Path = (string | number)[];
type Issues = readonly ValueIssue[];

const NO_ISSUES: Issues = [];

/** Checks a part in its place, one name or index further on. */
function checkPart(tree: Tree, place: Place, name: string | number, path: Path, options: CheckOptions): Issues {
  path.push(name);
  const issues = check(tree, place, path, options);
  path.pop();
  return issues;
}

function check(tree: Tree, place: Place, path: Path, options: CheckOptions): Issues {
  if (options.isData !== true && isExpression(tree)) {
    return tree.$ === "literal" ? check(tree.value, place, path, { ...options, isData: true }) : [];
  }
  const { description } = place;
  switch (description.type) {
    case "string":
      return checkString(tree, description, path);
    case "integer":
      return checkInteger(tree, description, path);
    case "boolean":
      return typeof tree === "boolean" ? NO_ISSUES : [wrongType(tree, "true or false", path)];
    case "null":
      return tree === null ? NO_ISSUES : [wrongType(tree, "null", path)];
    case "json":
      return NO_ISSUES;
    case "literal":
    case "enum":
      return checkValues(tree, description.values, path);
    case "object":
      return checkObject(tree, place, description, path, options);
    case "record":
      return checkRecord(tree, place, description, path, options);
    case "tuple":
    case "array":
      return checkList(tree, place, description, path, options);
    case "union":
      return checkUnion(tree, place, description, path, options);
    case "optional":
    case "default":
      return check(tree, within(place, description.of), path, options);
    case "recursive":
      return check(tree, recursivePlace(place, description.depth), path, options);
  }
}

type Shape<T extends SchemaDescription["type"]> = Extract<SchemaDescription, { readonly type: T }>;

function checkString(tree: Tree, shape: Shape<"string">, path: Path): Issues {
  if (typeof tree !== "string")
    return [wrongType(tree, shape.format === undefined ? "a string" : `a string (${shape.format})`, path)];
  return checkBounds(tree.length, shape, "characters", path);
}

function checkInteger(tree: Tree, shape: Shape<"integer">, path: Path): Issues {
  if (typeof tree !== "number") return [wrongType(tree, "an integer", path)];
  if (shape.min !== undefined && tree < shape.min) return [notAccepted(`is ${tree}, less than ${shape.min}`, path)];
  if (shape.max !== undefined && tree > shape.max) return [notAccepted(`is ${tree}, more than ${shape.max}`, path)];
  return NO_ISSUES;
}

function checkValues(tree: Tree, values: Shape<"literal" | "enum">["values"], path: Path): Issues {
  if (values.some((value) => value === tree)) return NO_ISSUES;
  const labels = values.map((value) => (typeof value === "string" ? value : printJson(value)));
  const near = typeof tree === "string" ? suggestFrom(labels, tree) : [];
  const suggestions = [...near, ...labels.filter((label) => !near.includes(label))];
  const message = `is ${shown(tree)}, not one of ${suggestions
    .slice(0, 12)
    .map((label) => `"${label}"`)
    .join(", ")}`;
  return [{ path: [...path], code: "not_in_enumeration", message, suggestions }];
}

function checkObject(tree: Tree, place: Place, shape: Shape<"object">, path: Path, options: CheckOptions): Issues {
  const members = membersOf(tree);
  if (members === undefined) return [wrongType(tree, "an object", path)];
  const issues: ValueIssue[] = [];
  const enclosing = [...place.enclosing, shape];
  for (const name of Object.keys(members)) {
    const member = members[name] ?? null;
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    if (field !== undefined) issues.push(...checkPart(member, { description: field, enclosing }, name, path, options));
    else if (shape.unknown === "refuse") issues.push(unknownArgument(name, Object.keys(shape.fields), path));
  }
  if (options.isPartial === true) return issues;
  for (const name of shape.required) {
    if (!Object.hasOwn(members, name)) issues.push(missingArgument(shape.fields[name], [...path, name]));
  }
  return issues;
}

function checkRecord(tree: Tree, place: Place, shape: Shape<"record">, path: Path, options: CheckOptions): Issues {
  const members = membersOf(tree);
  if (members === undefined) return [wrongType(tree, "an object", path)];
  return Object.entries(members).flatMap(([name, member]) => {
    const ofKey = checkPart(name, within(place, shape.key), name, path, { ...options, isData: true });
    return ofKey.length > 0 ? ofKey : checkPart(member, within(place, shape.value), name, path, options);
  });
}

function checkList(tree: Tree, place: Place, shape: Shape<"tuple" | "array">, path: Path, options: CheckOptions): Issues {
  if (tree === null || typeof tree !== "object" || !isList(tree)) return [wrongType(tree, "a list", path)];
  if (shape.type === "array") {
    const ofItems = tree.flatMap((item, index) => checkPart(item, within(place, shape.item), index, path, options));
    return [...checkBounds(tree.length, shape, "items", path), ...ofItems];
  }
  const { length } = shape.items;
  if (tree.length < length || (tree.length > length && shape.rest === undefined)) {
    return [notAccepted(`has ${tree.length} items, not ${length}${shape.rest === undefined ? "" : " or more"}`, path)];
  }
  return tree.flatMap((item, index) => {
    const part = present(shape.items[index] ?? shape.rest, "a tuple has a place for each of its items");
    return checkPart(item, within(place, part), index, path, options);
  });
}

function checkUnion(tree: Tree, place: Place, shape: Shape<"union">, path: Path, options: CheckOptions): Issues {
  const { discriminator } = shape;
  const members = discriminator === undefined ? undefined : membersOf(tree);
  const tag = discriminator !== undefined && members !== undefined ? members[discriminator] : undefined;
  // without a literal tag (it is late, or missing) every variant is tried
  if (discriminator === undefined || tag === undefined || (typeof tag === "object" && tag !== null)) {
    return checkChoices(
      tree,
      shape.of.map((option) => within(place, option)),
      path,
      options,
    );
  }
  const variants = settle(place);
  const named = variants.filter((variant) => tagsOf(variant, discriminator).includes(tag));
  if (named.length > 0) return checkChoices(tree, named, path, options);
  return checkValues(
    tag,
    variants.flatMap((variant) => tagsOf(variant, discriminator)),
    [...path, discriminator],
  );
}

function checkChoices(tree: Tree, choices: readonly Place[], path: Path, options: CheckOptions): Issues {
  const findings: Issues[] = [];
  for (const choice of choices) {
    const issues = check(tree, choice, path, options);
    if (issues.length === 0) return NO_ISSUES;
    findings.push(issues);
  }
  // the issues of the one choice whose type is right say more than "fits none"
  const isOfOtherType = (issue: ValueIssue): boolean => issue.path.length === path.length && issue.code === "wrong_type";
  const [close, another] = findings.filter((issues) => !issues.some(isOfOtherType));
  if (close !== undefined && another === undefined) return close;
  return [wrongType(tree, `any of the ${choices.length} choices`, path)];
}

/** The values of a variant's discriminator. */
function tagsOf(variant: Place, discriminator: string): readonly JsonValue[] {
  const field = variant.description.type === "object" ? variant.description.fields[discriminator] : undefined;
  if (field === undefined) return [];
  const tags = settle(within(variant, field)).map(({ description }) => description);
  const values = tags.flatMap((tag) => (tag.type === "literal" || tag.type === "enum" ? [...tag.values] : []));
  return field.type === "null" ? [null] : values;
}

function recursivePlace(place: Place, depth: number): Place {
  const description = present(place.enclosing[depth], "a recursive description refers to one that encloses it");
  return { description, enclosing: place.enclosing.slice(0, depth) };
}

function checkBounds(count: number, bounds: { readonly min?: number; readonly max?: number }, what: string, path: Path): Issues {
  if (bounds.min !== undefined && count < bounds.min)
    return [notAccepted(`has ${count} ${what}, fewer than ${bounds.min}`, path)];
  if (bounds.max !== undefined && count > bounds.max) return [notAccepted(`has ${count} ${what}, more than ${bounds.max}`, path)];
  return NO_ISSUES;
}

/** The members of an object node; `undefined` for lists and scalars. Expressions were seen before. */
function membersOf(tree: Tree): { readonly [name: string]: Tree } | undefined {
  return typeof tree === "object" && tree !== null && !isList(tree) ? tree : undefined;
}

function missingArgument(description: SchemaDescription | undefined, path: ValueIssue["path"]): ValueIssue {
  const suggestions = description?.type === "enum" ? description.values : [];
  return { path, code: "missing", message: "is missing", suggestions };
}

/** The issue of a member that the schema does not have. */
export function unknownArgument(name: string, names: readonly string[], path: ValueIssue["path"]): ValueIssue {
  const suggestions = suggestFrom(names, name);
  return {
    path: [...path, name],
    code: "unknown_argument",
    message: `is not an argument${didYouMean(suggestions)}`,
    suggestions,
  };
}

function wrongType(tree: Tree, wanted: string, path: Path): ValueIssue {
  return { path: [...path], code: "wrong_type", message: `is ${shown(tree)}, not ${wanted}`, suggestions: [] };
}

/** The issue of a value whose type is right and which is refused all the same. */
export function notAccepted(message: string, path: ValueIssue["path"]): ValueIssue {
  return { path: [...path], code: "not_accepted", message, suggestions: [] };
}

function shown(tree: Tree): string {
  if (tree === null || typeof tree !== "object")
    return printJson(typeof tree === "string" ? redactText(tree).slice(0, 64) : tree);
  return isList(tree) ? "a list" : "an object";
}
