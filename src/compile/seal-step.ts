import type { ExpandedStep, SealedStep } from "../model/step.js";
import type { Planned } from "./compile-request.js";
import type { Subject } from "../model/write-set.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import { canonicalText } from "../json/canonical.js";
import { sealedText } from "./sealed-text.js";
import { freezeDeep } from "./freeze-deep.js";
import { NO_WRITES } from "./write-set.js";
import { present } from "../errors/invariant.js";

/** What all steps of one verb share: the members that come from its contract, and their text. */
interface ContractPart {
  readonly contract: VerbContract;
  readonly head: string;
  readonly tail: string;
}

type Draft = { -readonly [Member in keyof SealedStep]: SealedStep[Member] };

/** Seals the steps of one plan, and writes their canonical text piece by piece, so that it is joined only once. */
export class StepSealer {
  readonly #planned: Planned;
  readonly #parts = new Map<VerbRef, ContractPart>();
  readonly #pieces: string[] = [];

  constructor(planned: Planned) {
    this.#planned = planned;
  }

  /** Canonical text of every step sealed so far, joined by commas. */
  get text(): string {
    return this.#pieces.join("");
  }

  /** The step with everything that is obeyed while it runs. */
  seal(step: ExpandedStep): SealedStep {
    const part = this.#partOf(step.verb);
    const { contract } = part;
    const { plan, writeSet } = this.#planned;
    const dependsOn = present(plan.dependsOn.get(step.id), "every step has dependencies");
    const { reads, writes, lateWrites } = writeSet.byStep.get(step.id) ?? NO_WRITES;
    const { args, when, optional, mode, id, verb } = step;
    const { digest, effect, recovery, retry, timeoutMs, tags, transactional } = contract;
    const sealed: Draft = {
      id,
      verb,
      contract: digest,
      args,
      dependsOn,
      effect,
      mode,
      reads,
      writes,
      lateWrites,
      retry,
      timeoutMs,
    };
    if (when !== undefined) sealed.when = when;
    if (optional.length > 0) sealed.optional = optional;
    if (recovery !== undefined) sealed.recovery = recovery;
    if (tags.length > 0) sealed.tags = tags;
    if (transactional === true) sealed.transactional = transactional;
    this.#write(sealed, part);
    freezeDeep(args);
    freezeDeep(when);
    Object.freeze(dependsOn);
    Object.freeze(optional);
    return Object.freeze(sealed);
  }

  /** Members in order of their names; what has no text of its own yet is written here. */
  #write({ id, dependsOn, effect, lateWrites, mode, optional, reads, when, writes }: SealedStep, part: ContractPart): void {
    const args = present(this.#planned.argsText.get(id), "every step has its text");
    const pieces = this.#pieces;
    pieces.push(pieces.length === 0 ? '{"args":' : ',{"args":', args, part.head, idsText(dependsOn), ',"effect":"', effect);
    pieces.push('","id":"', id, '","lateWrites":', lateWrites.length === 0 ? "[]" : sealedText(lateWrites), ',"mode":"', mode);
    if (optional !== undefined) pieces.push('","optional":', idsText(optional), ',"reads":');
    else pieces.push('","reads":');
    pushSubjects(pieces, reads);
    pieces.push(part.tail);
    if (when !== undefined) pieces.push(',"when":', canonicalText(when));
    pieces.push(',"writes":');
    pushSubjects(pieces, writes);
    pieces.push("}");
  }

  #partOf(ref: VerbRef): ContractPart {
    const known = this.#parts.get(ref);
    if (known !== undefined) return known;
    const contract = present(this.#planned.contracts.get(ref), "every step has a contract");
    const { digest, recovery, retry, tags, timeoutMs, transactional } = contract;
    const tail = [
      ...(recovery === undefined ? [] : [`"recovery":"${recovery}"`]),
      `"retry":${sealedText(retry)}`,
      ...(tags.length === 0 ? [] : [`"tags":${sealedText(tags)}`]),
      `"timeoutMs":${timeoutMs}`,
      ...(transactional === true ? ['"transactional":true'] : []),
      `"verb":${JSON.stringify(ref)}`,
    ];
    const part = { contract, head: `,"contract":${JSON.stringify(digest)},"dependsOn":`, tail: `,${tail.join(",")}` };
    this.#parts.set(ref, part);
    return part;
  }
}

/** Step ids hold nothing that needs escaping. */
function idsText(ids: readonly string[]): string {
  return ids.length === 0 ? "[]" : `["${ids.join('","')}"]`;
}

/** Kinds and ids were in canonical arguments before, so that they are well-formed. */
function pushSubjects(pieces: string[], subjects: readonly Subject[]): void {
  let start = '[{"access":"';
  for (const { access, id, kind, source } of subjects) {
    pieces.push(start, access, '","id":', textOf(id), ',"kind":', textOf(kind), ',"source":"', source, '"}');
    start = ',{"access":"';
  }
  pieces.push(subjects.length === 0 ? "[]" : "]");
}

const quoted = new Map<string, string>();

/** Kinds and many ids repeat, so that a few of their texts are kept. */
function textOf(text: string): string {
  const known = quoted.get(text);
  if (known !== undefined) return known;
  const made = JSON.stringify(text);
  if (quoted.size < 256) quoted.set(text, made);
  return made;
}
