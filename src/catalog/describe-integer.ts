import type { SchemaShape } from "../model/schema-description.js";
import { notDescribable } from "./not-describable.js";
import { checkName, member } from "./schema-definition.js";

type IntegerShape = Extract<SchemaShape, { readonly type: "integer" }>;

const WORDS: { readonly [format: string]: readonly [min: number, max: number] } = {
  safeint: [-Infinity, Infinity],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
};

/** Describes a number that is an integer; bounds become inclusive, the narrowest one counts. */
export function describeInteger(checks: readonly object[], path: readonly string[]): IntegerShape {
  const formats = checks.filter((check) => checkName(check) === "number_format").map((check) => String(member(check, "format")));
  if (!formats.some((format) => Object.hasOwn(WORDS, format))) {
    throw notDescribable(path, "a number with a fraction", "use z.int() or decimal()");
  }
  const mins: number[] = [];
  const maxs: number[] = [];
  for (const format of formats) {
    const [min, max] = WORDS[format] ?? [-Infinity, Infinity];
    mins.push(min);
    maxs.push(max);
  }
  for (const check of checks) {
    const name = checkName(check);
    if (name === "multiple_of") throw notDescribable(path, "a multiple", "name the check with opaque(name, version, check)");
    if (name === "greater_than") mins.push(lowest(Number(member(check, "value")), member(check, "inclusive") === true));
    if (name === "less_than") maxs.push(highest(Number(member(check, "value")), member(check, "inclusive") === true));
  }
  const [min, max] = [Math.max(...mins), Math.min(...maxs)];
  return { type: "integer", ...(isBound(min) ? { min } : {}), ...(isBound(max) ? { max } : {}) };
}

/** Tells whether a check is one that {@link describeInteger} understands. */
export function isIntegerCheck(check: object): boolean {
  return ["number_format", "greater_than", "less_than", "multiple_of"].includes(checkName(check));
}

function lowest(value: number, isInclusive: boolean): number {
  // `+ 0`: the ceiling of -0.5 is -0
  return (isInclusive ? Math.ceil(value) : Math.floor(value) + 1) + 0;
}

function highest(value: number, isInclusive: boolean): number {
  return (isInclusive ? Math.floor(value) : Math.ceil(value) - 1) + 0;
}

/** Bounds at or beyond the safe integers say nothing that the type does not. */
function isBound(bound: number): boolean {
  return bound > Number.MIN_SAFE_INTEGER && bound < Number.MAX_SAFE_INTEGER;
}
