import type { AttemptOf } from "./attempt-of.js";
import type { EngineParts } from "./parts.js";
import { RunsealError } from "../errors/error.js";
import { collectSecretNames, secretNameOf } from "../secrets/reference.js";

/**
 * The value of a secret, for a handler or a transport of one attempt.
 *
 * A reference is answered only when the sealed arguments of the step hold it, so that what was approved says which secrets are used: a
 * reference that came in with somebody's answer is not. A bare name is the handler's own word.
 *
 * @throws {@link RunsealError} `secret.not_sealed`, `secret.unresolved`
 */
export async function revealSecret(parts: EngineParts, { scope, step }: AttemptOf, name: string): Promise<string> {
  const referred = typeof name === "string" ? secretNameOf(name) : undefined;
  if (referred !== undefined && !isSealed(step.args, referred)) {
    const message = `the sealed arguments of "${step.id}" hold no reference to the secret "${referred}"`;
    throw new RunsealError("secret.not_sealed", message, { stepId: step.id, name: referred });
  }
  const asked = referred ?? name;
  if (parts.secrets !== undefined) return parts.secrets.resolve(scope, asked);
  throw new RunsealError("secret.unresolved", 'there are no secrets: give the instance the option "secrets"', { name: "" });
}

function isSealed(args: AttemptOf["step"]["args"], name: string): boolean {
  const names = new Set<string>();
  collectSecretNames(args, names);
  return names.has(name);
}
