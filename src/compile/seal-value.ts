import type { CanonicalTree } from "./canonical-tree.js";
import type { Ledger } from "./ledger.js";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import type { ValueSchema } from "./compile-request.js";
import { canonicalTree } from "./canonical-tree.js";
import { completeTree } from "./complete-tree.js";
import { findSecret } from "../secrets/detect.js";
import { isRunsealError } from "../errors/error.js";
import { jsonPointer } from "../json/walk.js";

/**
 * Checks a value of the body against a description, and that it can be sealed: no secret, canonical, not too large.
 *
 * @returns `undefined` when it can't; the ledger has every reason, with the step's path and the pointer below it
 */
export function sealValue(
  place: { readonly path: string; readonly ledger: Ledger; readonly bytesMax?: number },
  description: SchemaDescription,
  value: Tree,
  schema: ValueSchema | undefined,
): CanonicalTree | undefined {
  const { tree, issues } = completeTree(description, value, schema);
  for (const issue of issues) {
    const pointer = jsonPointer(issue.path);
    place.ledger.fail("expand.invalid_argument", `${place.path}${pointer}`, `"${pointer}" of "${place.path}" ${issue.message}`);
  }
  if (issues.length > 0) return undefined;
  return sealTree(place, tree);
}

/** A value that is about to be sealed, with its canonical text; `undefined` when it can't be, with the reason in the ledger. */
export function sealTree(
  place: { readonly path: string; readonly ledger: Ledger; readonly bytesMax?: number },
  tree: Tree,
): CanonicalTree | undefined {
  const { path, ledger, bytesMax } = place;
  try {
    const sealed = canonicalTree(tree, bytesMax);
    const secret = findSecret(tree);
    if (secret === undefined) return sealed;
    const way = "pass a reference and read the secret in the handler";
    ledger.fail("secret.detected", path + secret.pointer, `a value looks like a secret (${secret.rule}); ${way}`);
  } catch (error) {
    if (!isRunsealError(error)) throw error;
    ledger.fail(error.code, path, error.message);
  }
  return undefined;
}
