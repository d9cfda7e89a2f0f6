import { z } from "zod";
import { markCheck } from "./mark.js";

// no leading zeros, no trailing dot, no exponent, no minus zero: one shape that every ledger reads
const DECIMAL = /^(?!-0(?:\.0+)?$)-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/**
 * A decimal number as a string, such as `"12.50"`: how amounts travel in sealed content, which has no fractions.
 *
 * Digits after the point are kept as written (`"12.5"` and `"12.50"` are two values); there is no exponent and no plus sign.
 */
export function decimal(): z.ZodString {
  const format = markCheck<string>({ check: "runseal_format", format: "decimal" }, 'is not a decimal like "12.50"', isDecimal);
  return z.string().check(format);
}

function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}
