import type { ExpandedStep, SealedStep } from "../model/step.js";
import type { Planned } from "./compile-request.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import { canonicalText } from "../json/canonical.js";
import { sealedText } from "./sealed-text.js";
import { NO_WRITES } from "./write-set.js";
import { present } from "../errors/invariant.js";

/** A step as it is sealed, and its canonical text. */
export interface StepWithText {
  readonly step: SealedStep;
  readonly text: string;
}

/** What all steps of one verb share: the members that come from its contract, and their text. */
interface ContractPart {
  readonly contract: VerbContract;
  readonly head: string;
  readonly tail: string;
}

/** Seals the steps of one plan. */
export class StepSealer {
  readonly #planned: Planned;
  readonly #parts = new Map<VerbRef, ContractPart>();

  constructor(planned: Planned) {
    this.#planned = planned;
  }

  /** The step with everything that is obeyed while it runs; the members of the text stand in order of their names. */
  seal(step: ExpandedStep): StepWithText {
    const part = this.#partOf(step.verb);
    const { contract } = part;
    const { plan, writeSet, argsText } = this.#planned;
    const dependsOn = present(plan.dependsOn.get(step.id), "every step has dependencies");
    const { reads, writes, lateWrites } = writeSet.byStep.get(step.id) ?? NO_WRITES;
    const { args, when, optional, mode, id, verb } = step;
    const sealed: SealedStep = {
      id,
      verb,
      contract: contract.digest,
      args,
      dependsOn,
      ...(when === undefined ? {} : { when }),
      ...(optional.length === 0 ? {} : { optional }),
      effect: contract.effect,
      mode,
      ...(contract.recovery === undefined ? {} : { recovery: contract.recovery }),
      reads,
      writes,
      lateWrites,
      retry: contract.retry,
      timeoutMs: contract.timeoutMs,
      ...(contract.tags.length === 0 ? {} : { tags: contract.tags }),
    };
    const text =
      `{"args":${present(argsText.get(id), "every step has its text")}${part.head},"dependsOn":${idsText(dependsOn)},` +
      `"effect":"${contract.effect}","id":${JSON.stringify(id)},"lateWrites":${listText(lateWrites)},"mode":"${mode}",` +
      `${optional.length === 0 ? "" : `"optional":${idsText(optional)},`}"reads":${listText(reads)}${part.tail}` +
      `${when === undefined ? "" : `,"when":${canonicalText(when)}`},"writes":${listText(writes)}}`;
    return { step: sealed, text };
  }

  #partOf(ref: VerbRef): ContractPart {
    const known = this.#parts.get(ref);
    if (known !== undefined) return known;
    const contract = present(this.#planned.contracts.get(ref), "every step has a contract");
    const { digest, recovery, retry, tags, timeoutMs } = contract;
    const tail = [
      ...(recovery === undefined ? [] : [`"recovery":"${recovery}"`]),
      `"retry":${sealedText(retry)}`,
      ...(tags.length === 0 ? [] : [`"tags":${sealedText(tags)}`]),
      `"timeoutMs":${timeoutMs}`,
      `"verb":${JSON.stringify(ref)}`,
    ];
    const part = { contract, head: `,"contract":${JSON.stringify(digest)}`, tail: `,${tail.join(",")}` };
    this.#parts.set(ref, part);
    return part;
  }
}

/** Step ids hold nothing that needs escaping. */
function idsText(ids: readonly string[]): string {
  return ids.length === 0 ? "[]" : `["${ids.join('","')}"]`;
}

function listText(list: readonly object[]): string {
  return list.length === 0 ? "[]" : sealedText(list);
}
