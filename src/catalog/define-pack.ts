import type { Pack } from "../model/pack.js";
import { RunsealError } from "../errors/error.js";
import { isName } from "./name.js";
import { isEntityKind } from "./subject.js";

const ID = /^[a-z][a-z0-9_.-]{0,62}$/;
const DOMAIN = /^[a-z][a-z0-9_]{0,62}(?:\.[a-z][a-z0-9_]{0,62})*\.\*$/;
const FIELDS = new Set(["id", "name", "allowedVerbs", "forbiddenVerbs", "forbiddenEntityKinds"]);

/** What `definePack` is given; a list that is left out is empty. */
export type PackFields = Pick<Pack, "id"> & Partial<Omit<Pack, "id">>;

/**
 * Defines a pack: which verbs and which kinds of entity a plan may use while the pack is active.
 *
 * Verbs are named exactly or as `domain.*`; what is forbidden stays so where it is also allowed. The name defaults to the id.
 *
 * @throws {@link RunsealError} `pack.invalid` when a field is malformed or unknown
 */
export function definePack(fields: PackFields): Pack {
  const id = idOf(fields);
  const stray = Object.keys(fields).find((field) => !FIELDS.has(field));
  if (stray !== undefined) throw invalid(id, stray, "is not a field of a pack");
  const { name = id } = fields;
  if (typeof name !== "string" || name === "") throw invalid(id, "name", "is no text");
  return Object.freeze({
    id,
    name,
    allowedVerbs: list(id, "allowedVerbs", fields.allowedVerbs, isVerbPattern, "names of verbs, or domain.*"),
    forbiddenVerbs: list(id, "forbiddenVerbs", fields.forbiddenVerbs, isVerbPattern, "names of verbs, or domain.*"),
    forbiddenEntityKinds: list(id, "forbiddenEntityKinds", fields.forbiddenEntityKinds, isEntityKind, "kinds of entity"),
  });
}

/** Tells whether a pattern (`account.open`, `account.*`) covers the name of a verb. */
export function coversVerb(pattern: string, verb: string): boolean {
  return pattern.endsWith(".*") ? verb.startsWith(pattern.slice(0, -1)) : pattern === verb;
}

function idOf(fields: { readonly id: unknown }): string {
  const id = typeof (fields as unknown) === "object" && (fields as unknown) !== null ? fields.id : undefined;
  if (typeof id === "string" && ID.test(id)) return id;
  throw invalid("?", "id", "is not lower-case letters, digits and . _ -, starting with a letter");
}

function list(pack: string, field: string, given: unknown, fits: (item: unknown) => boolean, wanted: string): readonly string[] {
  if (given === undefined) return Object.freeze([]);
  const items: readonly unknown[] = Array.isArray(given) ? given : [undefined];
  const texts = items.filter((item): item is string => fits(item));
  if (texts.length < items.length) throw invalid(pack, field, `is not a list of ${wanted}`);
  return Object.freeze([...new Set(texts)].sort());
}

function isVerbPattern(item: unknown): boolean {
  return isName(item) || (typeof item === "string" && DOMAIN.test(item));
}

function invalid(pack: string, field: string, problem: string): RunsealError<"pack.invalid"> {
  return new RunsealError("pack.invalid", `pack "${pack}": ${field} ${problem}`, { pack, field });
}
