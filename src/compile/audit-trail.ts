import type { Digest } from "../model/ids.js";
import type { Instance } from "./scope.js";
import type { Limits } from "../model/limits.js";
import type { MacroAudit } from "../model/envelope.js";
import { canonicalize } from "../json/canonical.js";
import { digestOfText } from "../json/digest.js";
import { present } from "../errors/invariant.js";

/** Domain tag of the digest over what a macro expanded to. */
const EXPANSION_TAG = "runseal/expansion/1";

/** Domain tag of the digest of a macro audit. */
export const MACRO_AUDIT_TAG = "runseal/macro-audit/1";

/**
 * The audits of an expansion, one per macro, in order of expansion (A-062, X12).
 *
 * A macro's `expansion` covers its output and what its body emitted in order: id, verb and arguments of each step, and the
 * `expansion` of each nested macro, so that every step below is covered and hashed once.
 */
export class AuditTrail {
  readonly #limits: Limits;
  readonly #limitsText: string;
  readonly #audits: (MacroAudit | undefined)[] = [];
  readonly #digests: Digest[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#limitsText = canonicalize(limits);
  }

  /** Keeps the place of a macro that begins. */
  reserve(): number {
    return this.#audits.push(undefined) - 1;
  }

  /** Records a macro that has ended, and gives the digest of what it expanded to. */
  record(instance: Instance, outputText: string): Digest {
    const { macro, path, params, paramsText, bindings, position } = instance;
    const expansion = digestOfText(EXPANSION_TAG, `{"output":${outputText},"steps":[${instance.parts.join(",")}]}`);
    const { name, version, digest: definition } = macro;
    this.#audits[position] = { path, macro: name, version, definition, params, bindings, expansion, limits: this.#limits };
    const text =
      `{"bindings":${canonicalize(bindings)},"definition":${JSON.stringify(definition)},"expansion":"${expansion}",` +
      `"limits":${this.#limitsText},"macro":${JSON.stringify(name)},"params":${paramsText},"path":${JSON.stringify(path)},` +
      `"version":${version}}`;
    this.#digests[position] = digestOfText(MACRO_AUDIT_TAG, text);
    return expansion;
  }

  /** Every audit; each macro that began has ended. */
  get audits(): readonly MacroAudit[] {
    return this.#audits.map((audit) => present(audit, "every macro that began has ended"));
  }

  /** The digest of every audit, in the same order. */
  get digests(): readonly Digest[] {
    return this.#digests;
  }
}
