import type { Allocation, MacroAudit, SealedLookup } from "../model/envelope.js";
import type { AnsweredLookup, CompileMacro, CompileVerb, LookupsWanted } from "./compile-request.js";
import type { After, Block, Instance, Value } from "./scope.js";
import type { BodyItem } from "../model/macro.js";
import type { CompileRefusal } from "../model/outcome.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Digest, StepId } from "../model/ids.js";
import type { ExpandedStep } from "../model/step.js";
import type { ExpandRequest } from "./expand-request.js";
import type { JsonObject } from "../json/value.js";
import type { CanonicalTree } from "./canonical-tree.js";
import type { StepDraft } from "./step-draft.js";
import type { Tree } from "../model/expression.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import { AuditTrail } from "./audit-trail.js";
import { Budget } from "./budget.js";
import { didYouMean } from "../catalog/suggest.js";
import { draftStep } from "./step-draft.js";
import { Evaluator } from "./evaluate.js";
import { isLiteral, literalOf, treeOfJson } from "../expression/literal.js";
import { Ledger } from "./ledger.js";
import { loopKey } from "./loop-key.js";
import { Lookups } from "./lookups.js";
import { OrderMarks } from "./order-marks.js";
import { Names, pathOf, UNKNOWN } from "./scope.js";
import { printJson } from "../expression/print.js";
import { sealTree, sealValue } from "./seal-value.js";
import { STEP_ARGS_BYTES_MAX } from "./step-args-bytes-max.js";
import { VerbNames } from "./verb-names.js";

/** What came of expanding: every verb call in order of writing, and what pinned it. */
export interface Expanded {
  readonly kind: "expanded";
  readonly steps: readonly ExpandedStep[];
  /** Canonical text of each step's arguments. */
  readonly argsText: ReadonlyMap<StepId, string>;
  /** Contracts of the steps. */
  readonly contracts: ReadonlyMap<VerbRef, VerbContract>;
  readonly output: Tree;
  readonly bindings: JsonObject;
  readonly allocations: readonly Allocation[];
  readonly lookups: readonly SealedLookup[];
  readonly answers: readonly AnsweredLookup[];
  readonly audits: readonly MacroAudit[];
  readonly auditDigests: readonly Digest[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What a round of expansion gives. */
export type ExpandOutcome = Expanded | LookupsWanted | CompileRefusal;

/**
 * Expands an invocation to verb calls: pure and synchronous, all or nothing (A-060 to A-063, decisions 1.5, 2.1, 2.2).
 *
 * Nested macros are expanded in place, depth first, in order of writing. Lookups without a pinned answer are collected, and what
 * depends on them is left out of the round. Limits count over the whole tree and stop before more is made.
 *
 * @remarks Works on a stack of its own, so that depth is bounded by limits alone. Time O(statements worked through + text).
 */
export function expand(request: ExpandRequest): ExpandOutcome {
  const expansion = new Expansion(request);
  return request.root.kind === "macro" ? expansion.macro(request.root.macro) : expansion.verb(request.root.verb);
}

/** A body, or one iteration of a loop, as far as it has been worked through. */
interface Frame {
  readonly items: readonly BodyItem[];
  readonly block: Block;
  next: number;
  readonly end: () => void;
}

type ForEach = Extract<BodyItem, { kind: "for_each" }>;

class Expansion {
  readonly #request: ExpandRequest;
  readonly #ledger = new Ledger();
  readonly #budget: Budget;
  readonly #evaluator: Evaluator;
  readonly #lookups: Lookups;
  readonly #audits: AuditTrail;
  readonly #verbs: VerbNames;
  readonly #frames: Frame[] = [];
  /** Names of the macros being expanded, outermost first, and the same as a set. */
  readonly #chain: string[] = [];
  readonly #active = new Set<string>();
  readonly #steps: StepDraft[] = [];
  readonly #order = new OrderMarks(this.#steps);
  readonly #argsText = new Map<StepId, string>();
  readonly #contracts = new Map<VerbRef, VerbContract>();

  constructor(request: ExpandRequest) {
    const ledger = this.#ledger;
    this.#request = request;
    this.#budget = new Budget(request.limits, ledger);
    this.#evaluator = new Evaluator(request, ledger);
    this.#verbs = new VerbNames(request.catalog, ledger);
    this.#lookups = new Lookups(request, { ledger, budget: this.#budget, evaluator: this.#evaluator, verbs: this.#verbs });
    this.#audits = new AuditTrail(request.limits);
  }

  verb({ contract }: CompileVerb): ExpandOutcome {
    const { args, argsText } = this.#request;
    const { mode, sentence } = contract;
    if (this.#budget.step("main", mode)) {
      const step = draftStep("main", contract, treeOfJson(args), { mode, macro: null, sentence });
      this.#emit(step, contract, argsText);
    }
    return this.#outcome({ $: "result", step: "main", path: [] });
  }

  macro({ definition }: CompileMacro): ExpandOutcome {
    const params = { tree: treeOfJson(this.#request.args), text: this.#request.argsText };
    let output: Value;
    this.#enter(definition, null, "", params, { ids: [], deferred: [] }, (value) => (output = value));
    for (let frame = this.#frames.at(-1); frame !== undefined && !this.#ledger.isStopped; frame = this.#frames.at(-1)) {
      const item = frame.items[frame.next];
      frame.next += 1;
      if (item === undefined) {
        this.#frames.pop();
        frame.end();
      } else if (this.#budget.statement(frame.block.ids)) {
        this.#item(item, frame.block);
      }
    }
    return this.#outcome(output);
  }

  #outcome(output: Value): ExpandOutcome {
    const refusal = this.#ledger.refusal(this.#request.asked);
    if (refusal !== undefined) return refusal;
    this.#order.finish();
    return {
      kind: "expanded",
      steps: this.#steps,
      argsText: this.#argsText,
      contracts: this.#contracts,
      output: output === undefined || output === UNKNOWN ? {} : output,
      bindings: this.#evaluator.bindings,
      allocations: this.#evaluator.allocations,
      lookups: this.#lookups.sealed,
      answers: this.#lookups.answers,
      audits: this.#audits.audits,
      auditDigests: this.#audits.digests,
      diagnostics: this.#ledger.diagnostics,
    };
  }

  #item(item: BodyItem, block: Block): void {
    switch (item.kind) {
      case "step":
        this.#step(item, block);
        break;
      case "invoke":
        this.#invoke(item, block);
        break;
      case "lookup":
      case "require": {
        const path = this.#declare(item.label, block);
        block.names.set(item.label, { kind: "lookup", value: this.#lookups.answer(item, path, block) });
        break;
      }
      case "for_each":
        this.#forEach(item, block);
        break;
      case "when": {
        const isTrue = this.#evaluator.condition(item.condition, block);
        if (isTrue !== undefined) this.#push(isTrue ? item.then : item.otherwise, block, () => undefined);
        break;
      }
    }
  }

  #step(item: Extract<BodyItem, { kind: "step" }>, block: Block): void {
    const id = this.#declare(item.label, block);
    block.names.set(item.label, { kind: "step", id });
    const verb = this.#verbs.named(item.verb, id);
    const mode = item.mode ?? verb?.contract.mode ?? "sync";
    if (!this.#budget.step(id, mode)) return;
    const args = this.#evaluator.value(item.args, block);
    const when = item.when === undefined ? true : this.#evaluator.stepCondition(item.when, block, id);
    if (verb === undefined || args === UNKNOWN || when === UNKNOWN) return;
    const place = { path: id, ledger: this.#ledger, bytesMax: STEP_ARGS_BYTES_MAX };
    const sealed = sealValue(place, verb.contract.args, args ?? {}, verb.args);
    const condition = when === true ? undefined : sealTree(place, when);
    if (sealed === undefined || (when !== true && condition === undefined)) return;
    const sentence = item.sentence ?? verb.contract.sentence;
    const step = draftStep(id, verb.contract, sealed.tree, { mode, macro: block.instance.macro.name, sentence });
    if (condition !== undefined) step.when = condition.tree;
    this.#order.place(step, this.#order.after(item.after, block));
    if (item.optional !== undefined) step.optional = this.#order.optional(item.optional, step, block);
    if (!this.#budget.edges(step.after.length, id)) return;
    this.#emit(step, verb.contract, sealed.text);
    block.instance.parts.push(`["${id}",${JSON.stringify(step.verb)},${sealed.text}]`);
  }

  #emit(step: StepDraft, contract: VerbContract, argsText: string): void {
    this.#contracts.set(step.verb, contract);
    this.#argsText.set(step.id, argsText);
    this.#steps.push(step);
  }

  #invoke(item: Extract<BodyItem, { kind: "invoke" }>, block: Block): void {
    const path = this.#declare(item.label, block);
    const start = this.#steps.length;
    const leave = (value: Value): void => {
      block.names.set(item.label, { kind: "group", start, end: this.#steps.length, value });
    };
    const macro = this.#request.catalog.macro(item.macro);
    if (macro === undefined) {
      const message = `"${item.macro}" is no macro of the catalog${didYouMean(this.#request.catalog.suggest(item.macro))}`;
      this.#ledger.fail("expand.unknown_macro", path, message);
    }
    const args = this.#evaluator.value(item.args, block);
    const place = { path, ledger: this.#ledger };
    const params =
      macro === undefined || args === UNKNOWN ? undefined : sealValue(place, macro.definition.params, args ?? {}, macro.params);
    if (macro === undefined || params === undefined) leave(UNKNOWN);
    else this.#enter(macro.definition, block, path, params, this.#order.after(item.after, block), leave);
  }

  #enter(
    macro: CompileMacro["definition"],
    caller: Block | null,
    path: string,
    params: CanonicalTree,
    after: After,
    leave: (output: Value) => void,
  ): void {
    if (this.#refusesCycle(macro.name, path)) return;
    const depth = caller === null ? 0 : caller.instance.depth + 1;
    if (!this.#budget.macro(depth, params.text.length, [...this.#shortChain(), macro.name], path)) return;
    const instance: Instance = {
      macro,
      depth,
      path,
      params: params.tree,
      paramsText: params.text,
      after,
      parts: [],
      bindings: {},
      position: this.#audits.reserve(),
    };
    const ids = caller === null ? "" : `${path}/`;
    const segments = caller === null ? 0 : caller.segments + 1;
    const block: Block = { instance, parent: null, labels: "", ids, segments, names: new Names(), loop: null };
    this.#chain.push(macro.name);
    this.#active.add(macro.name);
    this.#push(macro.body, block, () => {
      this.#chain.pop();
      this.#active.delete(macro.name);
      leave(this.#output(block, caller));
    });
  }

  /** The output of a macro whose body is done, and its audit. */
  #output(block: Block, caller: Block | null): Value {
    const { instance } = block;
    const output = this.#evaluator.value(instance.macro.output, block);
    if (output === UNKNOWN) return UNKNOWN;
    const sealed = sealTree({ path: instance.path, ledger: this.#ledger }, output ?? {});
    if (sealed === undefined) return UNKNOWN;
    const expansion = this.#audits.record(instance, sealed.text);
    caller?.instance.parts.push(JSON.stringify(expansion));
    return sealed.tree;
  }

  #refusesCycle(name: string, path: string): boolean {
    if (!this.#active.has(name)) return false;
    const cycle = [...this.#chain.slice(this.#chain.indexOf(name)), name];
    const message = `the macros call each other in a circle: ${cycle.join(" -> ")}`;
    this.#ledger.stop("cycle_detected", "expand.cycle", path, message, cycle);
    return true;
  }

  /** The macros being expanded, for a message: the last few where they are many. */
  #shortChain(): readonly string[] {
    return this.#chain.slice(-16);
  }

  #forEach(item: ForEach, block: Block): void {
    const path = this.#declare(item.label, block);
    const start = this.#steps.length;
    const list = this.#evaluator.list(item.list, block, path);
    if (item.key.by === "index") {
      const message = `the steps of the loop "${path}" are named by position: another order of its list gives other steps these names`;
      this.#ledger.warn("expand.index_keys", path, message);
    }
    const yielded: Tree[] = [];
    const keys = new Set<string>();
    const loopPath = block.labels + item.label;
    let isKnown = list !== undefined;
    let index = 0;
    const next = (): void => {
      const current = list?.[index];
      if (current === undefined) {
        const value = isKnown ? yielded : UNKNOWN;
        block.names.set(item.label, { kind: "group", start, end: this.#steps.length, value });
        return;
      }
      const inner = this.#iteration(item, path, { block, loopPath, current, index, keys });
      index += 1;
      if (inner === undefined) isKnown = false;
      this.#push(inner === undefined ? [] : item.body, inner ?? block, () => {
        const value = inner === undefined ? UNKNOWN : this.#yielded(item.yields, inner);
        if (value === UNKNOWN) isKnown = false;
        else yielded.push(value ?? null);
        if (this.#budget.statement(path)) next();
      });
    };
    next();
  }

  /** What an iteration gives; checked at once where it is made here, because later iterations may build on it. */
  #yielded(tree: Tree, block: Block): Value {
    const value = this.#evaluator.value(tree, block);
    if (value === UNKNOWN || value === null || typeof value !== "object" || "$" in value) return value;
    return sealTree({ path: pathOf(block), ledger: this.#ledger, bytesMax: STEP_ARGS_BYTES_MAX }, value) === undefined
      ? UNKNOWN
      : value;
  }

  #iteration(
    item: ForEach,
    path: string,
    at: {
      readonly block: Block;
      readonly loopPath: string;
      readonly current: Tree;
      readonly index: number;
      readonly keys: Set<string>;
    },
  ): Block | undefined {
    const { block, loopPath, current, index, keys } = at;
    const inner = {
      instance: block.instance,
      parent: block,
      labels: `${loopPath}/`,
      ids: block.ids,
      segments: block.segments + 1,
      names: new Names(),
      loop: { path: loopPath, item: current, index },
    };
    const by = this.#keyOf(item, inner, current, index);
    if (by === UNKNOWN) return undefined;
    const key = loopKey(by);
    const place = `${path}[${index}]`;
    if (key === undefined) {
      const found = by === undefined ? "nothing" : isLiteral(by) ? printJson(literalOf(by)) : "a late value";
      const message = `a loop key is an integer or 1 to 63 of A-Z a-z 0-9 _ . : -, found ${found}; name one with {key}, or use key: "index"`;
      this.#ledger.fail("expand.loop_key", place, message);
      return undefined;
    }
    if (keys.has(key)) {
      this.#ledger.fail("expand.loop_key", place, `the loop key "${key}" repeats; keys name steps, so each must be its own`);
      return undefined;
    }
    keys.add(key);
    inner.ids = `${path}[${key}]/`;
    return inner;
  }

  #keyOf(item: ForEach, inner: Block, current: Tree, index: number): Value {
    if (item.key.by === "expression") return this.#evaluator.value(item.key.tree, inner);
    return item.key.by === "index" ? index : current;
  }

  #push(items: readonly BodyItem[], block: Block, end: () => void): void {
    this.#frames.push({ items, block, next: 0, end });
  }

  /** Says that a label stands at this place, and gives its id. */
  #declare(label: string, block: Block): StepId {
    const id = block.ids + label;
    if (block.names.get(label) !== undefined) {
      this.#ledger.fail("expand.duplicate_label", id, `the label "${label}" stands twice in one block; labels name steps`);
    }
    if (block.segments + 1 > this.#budget.segmentsMax) {
      this.#ledger.fail("expand.path_too_long", id, `a step id has at most ${this.#budget.segmentsMax} segments`);
    }
    return id;
  }
}
