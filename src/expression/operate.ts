import type { JsonValue } from "../json/value.js";
import type { Operator } from "../model/expression.js";
import { canonicalize } from "../json/canonical.js";

/**
 * Applies an operator to operands that are all known; `undefined` is an absent value.
 *
 * `eq` compares canonical text, and an absent value equals only an absent value. `all` and `any` read their operands as truth:
 * only `true` is true. `concat` joins strings, integers and booleans as written and skips absent ones. `in` looks for its first
 * operand in the list of its second. `exists` is false for absent and for `null`. `orElse` gives the second operand where the
 * first is absent or `null`.
 */
export function operate(operator: Operator, operands: readonly (JsonValue | undefined)[]): JsonValue | undefined {
  const [first, second] = operands;
  switch (operator) {
    case "concat":
      return operands.map(textOf).join("");
    case "eq":
      return isEqual(first, second);
    case "ne":
      return !isEqual(first, second);
    case "not":
      return first !== true;
    case "all":
      return operands.every((operand) => operand === true);
    case "any":
      return operands.some((operand) => operand === true);
    case "in":
      return Array.isArray(second) && second.some((item: JsonValue) => isEqual(first, item));
    case "exists":
      return first !== undefined && first !== null;
    case "orElse":
      return first ?? second;
  }
}

/** Tells whether two values are the same JSON; absent equals only absent. */
export function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  return canonicalize(a) === canonicalize(b);
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? canonicalize(value) : String(value);
}
