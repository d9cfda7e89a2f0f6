import type { ImportBinding, ImportNote, Refusal, RefusalCode } from "./imported.js";
import { LabelPool, labelStem } from "./labels.js";

const REFUSALS_MAX = 100;

/** Collects what is wrong with a document and what its reader should know, in the order in which it is met. */
export class Findings {
  readonly #refusals: Refusal[] = [];
  readonly #notes = new Map<string, ImportNote>();
  readonly #bindings = new Map<string, ImportBinding>();
  readonly #bindingNames = new LabelPool();

  /**
   * Records a refusal; of more than 100 the first are kept.
   *
   * @returns always `undefined`: what the caller was to give instead
   */
  refuse<T>(code: RefusalCode, pointer: string, message: string): T | undefined {
    if (this.#refusals.length < REFUSALS_MAX) this.#refusals.push({ code, pointer, message });
    return undefined;
  }

  /** Records a note; an equal one is kept once. */
  note(pointer: string, message: string): void {
    if (this.#notes.size < REFUSALS_MAX) this.#notes.set(`${pointer} ${message}`, { pointer, message });
  }

  /** Records a value that the caller of compile has to bind, by its name in the document, and gives the name to bind it under. */
  binds(source: string): string {
    const known = this.#bindings.get(source);
    if (known !== undefined) return known.name;
    const name = this.#bindingNames.take(labelStem(source));
    this.#bindings.set(source, { name, source });
    return name;
  }

  /** True once anything was refused. */
  isRefused(): boolean {
    return this.#refusals.length > 0;
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals;
  }

  get notes(): readonly ImportNote[] {
    return [...this.#notes.values()];
  }

  get bindings(): readonly ImportBinding[] {
    return [...this.#bindings.values()];
  }
}
