import { notDescribable } from "./not-describable.js";
import { checkName, member } from "./schema-definition.js";

/** A regular expression as a description holds it. */
export interface Pattern {
  readonly source: string;
  /** In the order that engines print them, without `g`, which means nothing to a test. */
  readonly flags: string;
}

/**
 * The pattern that a check tests: a `regex` as it is, a prefix, suffix or part as a pattern of our own.
 *
 * @returns `undefined` for checks that are no patterns
 */
export function patternOf(check: object): Pattern | undefined {
  if (checkName(check) !== "string_format") return undefined;
  switch (member(check, "format")) {
    case "regex":
      return ofRegExp(member(check, "pattern"));
    case "starts_with":
      return literally(`^${escaped(member(check, "prefix"))}`);
    case "ends_with":
      return literally(`${escaped(member(check, "suffix"))}$`);
    case "includes":
      return literally(`${offset(member(check, "position"))}${escaped(member(check, "includes"))}`);
    case "lowercase":
      return literally("^[^A-Z]*$");
    case "uppercase":
      return literally("^[^a-z]*$");
    default:
      // `z.stringFormat(name, regex)` and what zod builds with it: the pattern is all that it means
      return typeof member(check, "fn") === "function" ? ofRegExp(member(check, "pattern")) : undefined;
  }
}

/** One pattern that holds where all hold: each becomes a lookahead, in code-unit order. */
export function combinePatterns(
  patterns: readonly Pattern[],
  path: readonly string[],
): { readonly pattern?: string; readonly flags?: string } {
  const [first] = patterns;
  if (first === undefined) return {};
  const flags = new Set(patterns.map((pattern) => pattern.flags));
  if (flags.size > 1) throw notDescribable(path, "patterns with different flags", "write one regular expression");
  const sources = [...new Set(patterns.map((pattern) => pattern.source))].sort();
  const pattern = sources.length === 1 ? first.source : `^${sources.map((source) => `(?=[^]*?(?:${source}))`).join("")}`;
  return { pattern, ...(first.flags === "" ? {} : { flags: first.flags }) };
}

function ofRegExp(pattern: unknown): Pattern | undefined {
  if (!(pattern instanceof RegExp)) return undefined;
  return {
    source: pattern.source,
    flags: pattern.flags.replace("g", ""),
  };
}

function literally(source: string): Pattern {
  return { source, flags: "" };
}

function escaped(text: unknown): string {
  return String(text).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function offset(position: unknown): string {
  return typeof position === "number" && position > 0 ? `^[^]{${position},}?` : "";
}
