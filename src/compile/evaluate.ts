import type { Allocation } from "../model/envelope.js";
import type { Block, Value } from "./scope.js";
import type { ExpandRequest } from "./expand-request.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { Ledger } from "./ledger.js";
import type { MissingField } from "../model/outcome.js";
import type { Reference } from "../expression/references.js";
import type { Resolution } from "../expression/reduce.js";
import type { StepId } from "../model/ids.js";
import type { Tree } from "../model/expression.js";
import { allocationPath, findLoop, findNamed, idAt, pathOf, UNKNOWN } from "./scope.js";
import { Bindings } from "./bindings.js";
import { digestOfText } from "../json/digest.js";
import { isList } from "../expression/references.js";
import { define, isLiteral, literalOf, treeOfJson } from "../expression/literal.js";
import { present } from "../errors/invariant.js";
import { printJson } from "../expression/print.js";
import { reduce } from "../expression/reduce.js";
import { uuidV8FromDigest } from "../json/uuid.js";

/** Gives trees of a body their values: parameters, items, allocated ids, bound values, answers, outputs. */
export class Evaluator {
  readonly #request: ExpandRequest;
  readonly #ledger: Ledger;
  readonly #bindings: Bindings;
  readonly #allocated = new Map<string, Allocation>();
  readonly #bound: Record<string, JsonValue> = {};
  #at: Block | undefined;
  /** How often a value was met that this round can't know. */
  #unknowns = 0;
  readonly #resolve = (reference: Reference): Resolution =>
    this.#resolveAt(reference, present(this.#at, "a tree is reduced in a block"));

  constructor(request: ExpandRequest, ledger: Ledger) {
    this.#request = request;
    this.#ledger = ledger;
    this.#bindings = new Bindings(request.context);
  }

  /** Every id that was allocated, in order of first use. */
  get allocations(): readonly Allocation[] {
    return [...this.#allocated.values()];
  }

  /** Every bound value that was used, by the name it is sealed under. */
  get bindings(): JsonObject {
    return this.#bound;
  }

  /** The value of a tree, with late expressions left in it. */
  value(tree: Tree, block: Block): Value {
    this.#at = block;
    const before = this.#unknowns;
    const value = reduce(tree, this.#resolve);
    return this.#unknowns === before ? value : UNKNOWN;
  }

  /** A condition of the body; `undefined` when it has no answer in this round, or never will. */
  condition(tree: Tree, block: Block): boolean | undefined {
    const value = this.value(tree, block);
    if (value === UNKNOWN) return undefined;
    if (typeof value === "boolean") return value;
    if (value === undefined) return this.#absentCondition(pathOf(block));
    if (isLiteral(value)) this.#notACondition(value, pathOf(block));
    else this.#ledger.failLate(pathOf(block), "a condition of the body");
    return undefined;
  }

  /** What of a step's own condition is left to the engine; `true` when nothing is. */
  stepCondition(tree: Tree, block: Block, id: StepId): Tree | typeof UNKNOWN {
    const value = this.value(tree, block);
    if (value === UNKNOWN) return UNKNOWN;
    if (value === undefined) return this.#absentCondition(id);
    if (typeof value !== "boolean" && isLiteral(value)) this.#notACondition(value, id);
    return value;
  }

  /** The items of a loop; `undefined` when they are not known in this round, or are no list. */
  list(tree: Tree, block: Block, path: string): readonly Tree[] | undefined {
    const value = this.value(tree, block);
    if (value === UNKNOWN) return undefined;
    if (value !== undefined && !isLiteral(value)) {
      this.#ledger.failLate(path, "the list of a loop");
      return undefined;
    }
    if (value !== undefined && isList(value)) return value;
    const list = value === undefined ? undefined : literalOf(value);
    if (Array.isArray(list)) return list.map((item: JsonValue) => treeOfJson(item));
    const found = list === undefined ? "nothing" : printJson(list);
    const message = `a loop goes over a list, found ${found}; an absent list becomes an empty one with orElse(list, [])`;
    this.#ledger.fail("expand.not_a_list", path, message);
    return undefined;
  }

  #absentCondition(path: string): false {
    const message = "the condition asks for a value that is absent; it counts as false";
    this.#ledger.warn("expand.condition_unknown", path, message);
    return false;
  }

  #notACondition(value: Tree, path: string): void {
    this.#ledger.fail("expand.condition", path, `a condition is true or false, found ${printJson(literalOf(value))}`);
  }

  #resolveAt(reference: Reference, block: Block): Resolution {
    switch (reference.$) {
      case "param":
        return { known: true, tree: block.instance.params };
      case "item":
      case "index": {
        const loop = findLoop(block, reference.loop);
        if (loop === null) return this.#notFound(reference.loop, block);
        return { known: true, tree: reference.$ === "item" ? loop.item : loop.index };
      }
      case "allocate":
        return this.#allocate(reference, block);
      case "bind":
        return this.#bind(reference, block);
      case "lookup":
        return this.#named(reference.lookup, block);
      case "collect":
        return this.#named(reference.loop, block);
      case "result":
        return this.#result(reference.step, block);
    }
  }

  #result(path: string, block: Block): Resolution {
    const named = findNamed(block, path);
    if (named?.kind === "group") return this.#named(path, block);
    // a name that is not there yet becomes the id it would have, for the planner to find or to refuse
    const step = named?.kind === "step" ? named.id : idAt(block, path);
    return { known: true, tree: { $: "result", step, path: [] } };
  }

  #named(path: string, block: Block): Resolution {
    const named = findNamed(block, path);
    if (named === undefined || named.kind === "step") return this.#notFound(path, block);
    return named.value === UNKNOWN ? this.#unknown() : { known: true, tree: named.value };
  }

  #notFound(path: string, block: Block): Resolution {
    this.#ledger.fail("expand.unknown_reference", pathOf(block), `nothing named "${path}" can be seen from here`);
    return this.#unknown();
  }

  #unknown(): Resolution {
    this.#unknowns += 1;
    return { known: false };
  }

  #ask(field: MissingField): Resolution {
    this.#ledger.ask(field);
    return this.#unknown();
  }

  #allocate(reference: Extract<Reference, { $: "allocate" }>, block: Block): Resolution {
    const { intent, uses, seed } = this.#request;
    if (intent === null) {
      const message = "new entities get their ids from the intent; say what this is for, e.g. a ticket";
      return this.#ask({ fieldName: "intent", reason: "missing", message, suggestions: [], required: true });
    }
    if (uses === "many") {
      const message = "a runbook that makes new entities is used once; to do it again, compile again with another intent";
      return this.#ask({ fieldName: "uses", reason: "not_in_enumeration", message, suggestions: ["once"], required: true });
    }
    const path = `${allocationPath(block, reference.loop)}#${reference.ordinal}`;
    const known = this.#allocated.get(path);
    if (known !== undefined) return { known: true, tree: known.id };
    const { kind } = reference;
    const id = uuidV8FromDigest(digestOfText("runseal/allocate/1", `["${seed}","${path}",${JSON.stringify(kind)}]`));
    this.#allocated.set(path, Object.freeze({ path, kind, id }));
    return { known: true, tree: id };
  }

  #bind(reference: Extract<Reference, { $: "bind" }>, block: Block): Resolution {
    const { bindings } = block.instance.macro;
    const expected = bindings !== undefined && Object.hasOwn(bindings, reference.name) ? bindings[reference.name] : undefined;
    const bound = this.#bindings.read(reference.name, expected);
    if ("field" in bound) return this.#ask(bound.field);
    if (bound.value === undefined) return { known: true, tree: undefined };
    const part = this.#bindings.sealedPart(reference.name, reference.path, bound.value);
    if (part !== undefined) {
      define(this.#bound, part.name, part.value);
      define(block.instance.bindings, part.name, part.value);
    }
    return { known: true, tree: treeOfJson(bound.value) };
  }
}
