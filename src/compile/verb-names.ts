import type { CompileCatalog, CompileVerb } from "./compile-request.js";
import type { Ledger } from "./ledger.js";
import { didYouMean } from "../catalog/suggest.js";

/** Finds the verbs that bodies name, each once. */
export class VerbNames {
  readonly #catalog: CompileCatalog;
  readonly #ledger: Ledger;
  readonly #known = new Map<string, CompileVerb>();

  constructor(catalog: CompileCatalog, ledger: Ledger) {
    this.#catalog = catalog;
    this.#ledger = ledger;
  }

  /** The newest version of a verb that is not retired; `undefined` when there is none, with a finding at `path`. */
  named(name: string, path: string): CompileVerb | undefined {
    const verb = this.#known.get(name) ?? this.#catalog.verb(name);
    if (verb !== undefined) {
      this.#known.set(name, verb);
      return verb;
    }
    const message = `"${name}" is no verb of the catalog${didYouMean(this.#catalog.suggest(name))}`;
    this.#ledger.fail("expand.unknown_verb", path, message);
    return undefined;
  }
}
