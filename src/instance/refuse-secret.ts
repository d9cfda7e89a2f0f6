import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { findSecret } from "../secrets/detect.js";
import { knownIn } from "../engine/keep-secret.js";

/**
 * Refuses what a caller wants stored for finding it again, when it holds a credential or a secret that was handed out: it can't be redacted.
 *
 * @throws {@link RunsealError} `secret.detected`; the value is not repeated
 */
export function refuseSecret(parts: InstanceParts, value: JsonValue, what: string): void {
  const found = findSecret(value);
  const known = knownIn(parts.engine, parts.scope);
  const isKnown = known?.holds(value) === true;
  if (found === undefined && !isKnown) return;
  const { pointer, rule } = found ?? { pointer: "", rule: "known_secret" };
  throw new RunsealError("secret.detected", `${what} holds a secret; give it the reference, not the value`, { pointer, rule });
}
