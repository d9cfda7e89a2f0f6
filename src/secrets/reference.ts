import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";

/** What a reference to a secret looks like wherever a value stands: sealed, shown and recorded as it is. */
export type SecretReference = `secret:${string}`;

const PREFIX = "secret:";
const NAME = /^[A-Za-z][A-Za-z0-9_./-]{0,127}$/;

/** The source of a pattern that matches references and nothing else, for schemas. */
export const SECRET_REFERENCE_PATTERN = "^secret:[A-Za-z][A-Za-z0-9_./-]{0,127}$";

/** What is said of a text that should be a reference; the text may be the secret itself, so it is not shown beside it. */
export const NO_SECRET_REFERENCE = 'is no reference to a secret: pass "secret:<name>", never the value';

/**
 * A reference to a secret of the host's, to stand in an argument in place of its value: `secretRef("bank-token")` is `"secret:bank-token"`.
 *
 * @param name - a letter, then up to 127 letters, digits and `_ . / -`
 * @throws {@link RunsealError} `run.invalid_option` for another name; the name is not repeated, as it may be a secret itself
 */
export function secretRef(name: string): SecretReference {
  if (typeof name === "string" && NAME.test(name)) return `${PREFIX}${name}`;
  const message = "the name of a secret is a letter and then up to 127 letters, digits and _ . / -";
  throw new RunsealError("run.invalid_option", message, { option: "secret" });
}

/** The name in a reference; `undefined` for every other text. */
export function secretNameOf(text: string): string | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const name = text.slice(PREFIX.length);
  return NAME.test(name) ? name : undefined;
}

/** Tells whether a text can be the name of a secret. */
export function isSecretReferenceName(name: unknown): name is string {
  return typeof name === "string" && NAME.test(name);
}

/** Adds the name of every reference in a value, member names excepted. O(size). */
export function collectSecretNames(value: JsonValue, into: Set<string>): void {
  if (typeof value === "string") {
    const name = secretNameOf(value);
    if (name !== undefined) into.add(name);
    return;
  }
  if (value === null || typeof value !== "object") return;
  for (const member of Object.values(value)) collectSecretNames(member, into);
}
