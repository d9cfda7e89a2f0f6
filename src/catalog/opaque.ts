import type { z } from "zod";
import { markCheck } from "./mark.js";
import { notDescribable } from "./not-describable.js";

const NAME = /^[a-z][a-z0-9_.-]{0,62}$/;

/**
 * A check that a contract names but does not hold: `z.string().check(opaque("iban", 1, isIban))`.
 *
 * The only kind of code that a schema of a contract may have. Name and version are part of the contract's digest, the code is
 * not: raise the version when the check starts to accept or refuse something else. It must be pure and must not throw.
 *
 * @param accepts - tells whether a value that fits the schema otherwise is accepted
 * @throws {@link RunsealError} `schema.not_describable` when the name isn't lower case or the version isn't 1 or more
 */
export function opaque<T>(name: string, version: number, accepts: (value: T) => boolean): z.core.$ZodCheck<T> {
  if (!NAME.test(name)) throw notDescribable([], `a check named "${name}"`, 'write the name in lower case, like "iban"');
  if (!Number.isSafeInteger(version) || version < 1) {
    throw notDescribable([], `version ${version} of the check "${name}"`, "versions are 1, 2, 3 ...");
  }
  return markCheck({ check: "runseal_opaque", name, version }, `is not accepted by the check "${name}"`, accepts);
}
