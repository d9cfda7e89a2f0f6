import type { SchemaShape } from "../model/schema-description.js";
import { combinePatterns, patternOf, type Pattern } from "./describe-pattern.js";
import { formatOf } from "./describe-format.js";
import { markOf } from "./mark.js";
import { notDescribable } from "./not-describable.js";
import { checkName, member } from "./schema-definition.js";

type StringShape = Extract<SchemaShape, { readonly type: "string" }>;

/**
 * Describes a string by its checks: the narrowest bounds, one named format, one pattern, and the marks of this package.
 *
 * Named formats are described by name and never by their pattern, because zod refines those patterns between minors.
 */
export function describeString(checks: readonly object[], path: readonly string[]): StringShape {
  const bounds = lengthBounds(checks);
  const formats = new Set(checks.flatMap((check) => formatOf(check, path) ?? []));
  if (formats.size > 1) throw notDescribable(path, `two formats, ${[...formats].join(" and ")}`, "keep the narrower one");
  const [format] = formats;
  const patterns: readonly Pattern[] = checks.flatMap((check) => patternOf(check) ?? []);
  const subjects = checks.map(markOf).filter((mark) => mark?.check === "runseal_subject");
  const [subject] = subjects;
  if (subjects.length > 1) throw notDescribable(path, "an id of two entity kinds", "name one kind");
  const isPlain = checks.some((check) => checkName(check) === "runseal_plain");
  if (isPlain && subject !== undefined) throw notDescribable(path, "a subject that is plain", "drop plain() or subject()");
  return {
    type: "string",
    ...bounds,
    ...(format === undefined ? {} : { format }),
    ...combinePatterns(patterns, path),
    ...(subject === undefined ? {} : { subject: { kind: subject.kind, access: subject.access } }),
    ...(isPlain ? { plain: true as const } : {}),
  };
}

/** Tells whether a check is one that {@link describeString} understands. */
export function isStringCheck(check: object): boolean {
  const name = checkName(check);
  return name === "string_format" || name.startsWith("runseal_") || name.endsWith("_length") || name === "length_equals";
}

/** The narrowest length (or size) that all bounds allow; members absent where nothing bounds. */
export function lengthBounds(checks: readonly object[]): { readonly min?: number; readonly max?: number } {
  const mins: number[] = [];
  const maxs: number[] = [];
  for (const check of checks) {
    const name = checkName(check);
    if (name === "min_length") mins.push(Number(member(check, "minimum")));
    if (name === "max_length") maxs.push(Number(member(check, "maximum")));
    if (name !== "length_equals") continue;
    mins.push(Number(member(check, "length")));
    maxs.push(Number(member(check, "length")));
  }
  const min = Math.max(0, ...mins);
  const max = Math.min(Infinity, ...maxs);
  return { ...(min > 0 ? { min } : {}), ...(Number.isFinite(max) ? { max } : {}) };
}
