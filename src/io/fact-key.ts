import { RunsealError } from "../errors/error.js";
import { findSecret } from "../secrets/detect.js";

/** Longest key of a fact, in UTF-16 units. */
const KEY_MAX = 512;

/** Facts that the engine records under keys it derives; no handler may use the prefix. */
const DERIVED = "$";

/**
 * Refuses what can't be the key of a fact.
 *
 * @throws {@link RunsealError} `io.invalid_fact_key`; `secret.detected` when the key has the shape of a credential
 */
export function checkFactKey(key: unknown): asserts key is string {
  if (typeof key !== "string" || key === "" || key.length > KEY_MAX || key.startsWith(DERIVED) || !/^[^\p{C}]+$/u.test(key)) {
    const message = `a fact key is a text of 1 to ${KEY_MAX} visible characters that does not begin with "${DERIVED}"`;
    throw new RunsealError("io.invalid_fact_key", message, { keyType: typeof key });
  }
  const secret = findSecret(key);
  if (secret !== undefined) {
    throw new RunsealError("secret.detected", "a fact key has the shape of a secret; name what is asked, not the credential", {
      pointer: "",
      rule: secret.rule,
    });
  }
}

/** What a derived fact is. */
export type DerivedKind = "now" | "random" | "uuid";

/** The key of a value that the engine itself takes from the world: kind, step, attempt, and the count of such calls (D-082). */
export function derivedKey(kind: DerivedKind, stepId: string, attempt: number, ordinal: number): string {
  return `${DERIVED}${kind}/${stepId}/${attempt}/${ordinal}`;
}
