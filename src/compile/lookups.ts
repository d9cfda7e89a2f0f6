import type { AnsweredLookup, CompileVerb } from "./compile-request.js";
import type { Block, Value } from "./scope.js";
import type { BodyItem } from "../model/macro.js";
import type { Budget } from "./budget.js";
import type { Evaluator } from "./evaluate.js";
import type { ExpandRequest } from "./expand-request.js";
import type { JsonValue } from "../json/value.js";
import type { Ledger } from "./ledger.js";
import type { SealedLookup } from "../model/envelope.js";
import type { CanonicalTree } from "./canonical-tree.js";
import type { VerbNames } from "./verb-names.js";
import { digestOf } from "../json/digest.js";
import { holds } from "./holds.js";
import { isLiteral, literalOf, treeOfJson } from "../expression/literal.js";
import { printJson } from "../expression/print.js";
import { redact } from "../secrets/redact.js";
import { sealValue } from "./seal-value.js";
import { STEP_ARGS_BYTES_MAX } from "./step-args-bytes-max.js";
import { UNKNOWN } from "./scope.js";
import { verbRef } from "../model/verb.js";

/** Domain tag of the digest of an answer. */
export const RESPONSE_TAG = "runseal/response/1";

type LookupItem = Extract<BodyItem, { kind: "lookup" | "require" }>;

/** Looks at the world through pinned answers: what is not pinned is wanted, and unknown in this round (decision 2.1a). */
export class Lookups {
  readonly sealed: SealedLookup[] = [];
  readonly answers: AnsweredLookup[] = [];
  readonly #request: ExpandRequest;
  readonly #ledger: Ledger;
  readonly #budget: Budget;
  readonly #evaluator: Evaluator;
  readonly #verbs: VerbNames;

  constructor(request: ExpandRequest, parts: { ledger: Ledger; budget: Budget; evaluator: Evaluator; verbs: VerbNames }) {
    this.#request = request;
    this.#ledger = parts.ledger;
    this.#budget = parts.budget;
    this.#evaluator = parts.evaluator;
    this.#verbs = parts.verbs;
  }

  /** The answer of a lookup or precondition; unknown while it is missing. */
  answer(item: LookupItem, path: string, block: Block): Value {
    if (!this.#budget.lookup(path)) return UNKNOWN;
    const verb = this.#verbs.named(item.verb, path);
    if (verb?.contract.effect === "write") {
      this.#ledger.fail("expand.lookup_writes", path, `"${item.verb}" writes; a lookup takes a verb of effect "read" or "pure"`);
      return UNKNOWN;
    }
    const args = verb === undefined ? undefined : this.#sealed(item.args, verb, path, block);
    const expected = item.kind === "require" ? this.#expected(item.expected, path, block) : undefined;
    if (verb === undefined || args === undefined || (item.kind === "require" && expected === undefined)) return UNKNOWN;
    return this.#pinned(item, path, block, verb, literalOf(args.tree), expected);
  }

  #pinned(
    item: LookupItem,
    path: string,
    block: Block,
    verb: CompileVerb,
    args: JsonValue,
    expected: JsonValue | undefined,
  ): Value {
    const pinned = this.#request.pinned.get(path);
    if (pinned === undefined) {
      this.#ledger.want({ path, verb, args });
      return UNKNOWN;
    }
    const { response, performedAt } = pinned;
    const ref = verbRef(verb.contract);
    this.sealed.push({
      path,
      verb: ref,
      contract: verb.contract.digest,
      args,
      responseDigest: digestOf(RESPONSE_TAG, response),
      recheck: item.recheck,
      ...(expected === undefined ? {} : { expected }),
    });
    this.answers.push({ path, verb: ref, args, response: redact(response), performedAt: performedAt ?? 0 });
    if (expected !== undefined && !holds(response, expected)) this.#refuse(path, block, ref, expected, response);
    return treeOfJson(response);
  }

  /** At the root it is the operator's question; in a nested macro it is the author's. */
  #refuse(path: string, block: Block, verb: string, expected: JsonValue, found: JsonValue): void {
    const wanted = printJson(redact(expected));
    const message = `"${verb}" must answer ${wanted}, and answered ${shorten(printJson(redact(found)))}`;
    if (block.instance.depth > 0) this.#ledger.unmet(path, message);
    else this.#ledger.ask({ fieldName: path, reason: "precondition", message, suggestions: [wanted], required: true });
  }

  #sealed(tree: LookupItem["args"], verb: CompileVerb, path: string, block: Block): CanonicalTree | undefined {
    const args = this.#literal(tree, path, "an argument of a lookup", block);
    if (args === undefined) return undefined;
    const place = { path, ledger: this.#ledger, bytesMax: STEP_ARGS_BYTES_MAX };
    return sealValue(place, verb.contract.args, treeOfJson(args), verb.args);
  }

  #expected(tree: LookupItem["args"], path: string, block: Block): JsonValue | undefined {
    return this.#literal(tree, path, "what a precondition expects", block);
  }

  #literal(tree: LookupItem["args"], path: string, what: string, block: Block): JsonValue | undefined {
    const value = this.#evaluator.value(tree, block);
    if (value === UNKNOWN) return undefined;
    if (value === undefined) return null;
    if (isLiteral(value)) return literalOf(value);
    this.#ledger.failLate(path, what);
    return undefined;
  }
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`;
}
