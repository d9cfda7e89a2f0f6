import type { Pack } from "../model/pack.js";
import { RunsealError } from "../errors/error.js";
import { coversVerb } from "./define-pack.js";
import { didYouMean, suggestFrom } from "./suggest.js";
import type { Verb } from "./verb.js";

/** Refuses a pack that names a verb which isn't there: a misspelled prohibition would forbid nothing. */
export function checkPacks(packs: readonly Pack[], verbs: readonly Verb[]): void {
  const names = new Set(verbs.map((verb) => verb.name));
  for (const pack of packs) {
    for (const pattern of [...pack.allowedVerbs, ...pack.forbiddenVerbs]) {
      if ([...names].some((name) => coversVerb(pattern, name))) continue;
      const message = `pack "${pack.id}" speaks of "${pattern}", which is no verb of the catalog${didYouMean(suggestFrom(names, pattern))}`;
      throw new RunsealError("catalog.unknown_reference", message, { macro: pack.id, reference: pattern, path: "" });
    }
  }
}
