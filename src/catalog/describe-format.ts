import { markOf } from "./mark.js";
import { notDescribable } from "./not-describable.js";
import { checkName, member } from "./schema-definition.js";

/** Formats that are described by their name alone. */
const PLAIN_FORMATS = new Set([
  "guid",
  "emoji",
  "nanoid",
  "cuid",
  "cuid2",
  "ulid",
  "xid",
  "ksuid",
  "ipv4",
  "ipv6",
  "cidrv4",
  "cidrv6",
  "base64",
  "base64url",
  "e164",
  "date",
  "duration",
]);

/** Checks of kind `string_format` that are patterns, not formats. */
const PATTERN_FORMATS = new Set(["regex", "starts_with", "ends_with", "includes", "lowercase", "uppercase"]);

/** What `z.email()` and `z.httpUrl()` test when nobody gave them a pattern, in the zod 4 minors so far. */
const EMAIL_DEFAULTS = new Set([
  String.raw`^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
  String.raw`^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
]);
const HTTP_HOSTS = new Set([
  String.raw`^([a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}$`,
  String.raw`^(?=.{1,253}$)([a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,63}$`,
]);

/**
 * The named format that a check tests, variants included: `uuid`, `uuidv4`, `datetime+offset`, `decimal`.
 *
 * @returns `undefined` for checks that are no formats
 */
export function formatOf(check: object, path: readonly string[]): string | undefined {
  const mark = markOf(check);
  if (mark !== undefined) return mark.check === "runseal_format" ? mark.format : undefined;
  if (checkName(check) !== "string_format") return undefined;
  const format = String(member(check, "format"));
  if (PATTERN_FORMATS.has(format)) return undefined;
  if (typeof member(check, "fn") === "function") {
    // `z.stringFormat` with a regular expression is a pattern; with a function it is code without a version
    if (member(check, "pattern") instanceof RegExp) return undefined;
    const instead = "name the check with opaque(name, version, check)";
    throw notDescribable(path, `the string format "${format}", which is a function`, instead);
  }
  if (PLAIN_FORMATS.has(format)) return format;
  return variantOf(check, format, path);
}

function variantOf(check: object, format: string, path: readonly string[]): string {
  switch (format) {
    case "uuid":
      return `uuid${textOf(member(check, "version"))}`;
    case "jwt":
      return withVariant("jwt", member(check, "alg"));
    case "mac":
      return withVariant("mac", member(check, "delimiter") === ":" ? undefined : member(check, "delimiter"));
    case "time":
      return withVariant("time", member(check, "precision"));
    case "datetime":
      return withVariant(
        `datetime${member(check, "offset") === true ? "+offset" : ""}${member(check, "local") === true ? "+local" : ""}`,
        member(check, "precision"),
      );
    case "email":
      return email(check, path);
    case "url":
      return url(check, path);
    default:
      throw notDescribable(path, `the string format "${format}"`, "use a regular expression, or name the check with opaque()");
  }
}

function email(check: object, path: readonly string[]): string {
  if (EMAIL_DEFAULTS.has(sourceOf(member(check, "pattern")))) return "email";
  throw notDescribable(
    path,
    "an email format with a pattern of its own",
    "use z.email(), or z.string().regex() with the pattern",
  );
}

function url(check: object, path: readonly string[]): string {
  const [protocol, host] = [sourceOf(member(check, "protocol")), sourceOf(member(check, "hostname"))];
  if (member(check, "normalize") === true) throw notDescribable(path, "a url that is rewritten", "drop normalize");
  if (protocol === "" && host === "") return "url";
  if (protocol === "^https?$" && HTTP_HOSTS.has(host)) return "http_url";
  throw notDescribable(path, "a url with patterns of its own", "use z.url() or z.httpUrl(), and opaque() for the rest");
}

function withVariant(format: string, variant: unknown): string {
  return variant === undefined || variant === null ? format : `${format}:${textOf(variant)}`;
}

function textOf(variant: unknown): string {
  return typeof variant === "string" || typeof variant === "number" ? String(variant) : "";
}

function sourceOf(pattern: unknown): string {
  return pattern instanceof RegExp ? pattern.source : "";
}
