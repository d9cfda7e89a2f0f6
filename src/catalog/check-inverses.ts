import { RunsealError } from "../errors/error.js";
import { jsonPointer } from "../json/walk.js";
import type { Catalog } from "./catalog.js";
import { checkTree } from "./check-tree.js";
import { issueText } from "./parse-value.js";
import { didYouMean } from "./suggest.js";
import type { Verb } from "./verb.js";

/** Refuses a verb whose inverse isn't there or would be called with arguments that don't fit it. */
export function checkInverses(verbs: readonly Verb[], index: Pick<Catalog, "verb" | "suggest">): void {
  for (const { contract } of verbs) {
    if (contract.undo === undefined) continue;
    const inverse = index.verb(contract.undo.verb);
    if (inverse === undefined) {
      const message = `"${contract.name}" is undone by "${contract.undo.verb}", which is no verb of the catalog${didYouMean(index.suggest(contract.undo.verb))}`;
      throw new RunsealError("catalog.unknown_reference", message, {
        macro: contract.name,
        reference: contract.undo.verb,
        path: "undo",
      });
    }
    const issues = checkTree(contract.undo.args, inverse.contract.args);
    const [first] = issues;
    if (first === undefined) continue;
    const message = `the inverse of "${contract.name}" calls "${inverse.name}" wrongly: ${issues.map(issueText).join("; ")}`;
    throw new RunsealError("macro.invalid_argument", message, {
      macro: contract.name,
      path: "undo",
      pointer: jsonPointer(first.path),
    });
  }
}
