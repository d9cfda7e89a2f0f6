import type { ExpandedStep } from "../model/step.js";
import type { Mode, VerbContract } from "../model/verb.js";
import type { StepId } from "../model/ids.js";
import type { Tree } from "../model/expression.js";
import { verbRef } from "../model/verb.js";

/** A step while it is being expanded. */
export type StepDraft = { -readonly [Member in keyof ExpandedStep]: ExpandedStep[Member] };

/** A step of a verb, with nothing before it and no condition. */
export function draftStep(
  id: StepId,
  contract: VerbContract,
  args: Tree,
  about: { readonly mode: Mode; readonly macro: string | null; readonly sentence: string | undefined },
): StepDraft {
  const { mode, macro, sentence } = about;
  const draft: StepDraft = { id, verb: verbRef(contract), args, after: [], mode, optional: [], macro };
  if (sentence !== undefined) draft.sentence = sentence;
  return draft;
}
