import type { Access, SchemaDescription } from "../model/schema-description.js";
import type { CompilationError } from "../model/outcome.js";
import type { Tree } from "../model/expression.js";
import type { ExpandedStep } from "../model/step.js";
import type { LateWrite, StepWrites, Subject } from "../model/write-set.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import type { WriteSetMode } from "./compile-request.js";
import { compilationError, errorFinding } from "./refusals.js";
import { entityId, entityKey, UNDECLARED_KIND, uuidIn } from "./entity.js";
import { completeTree } from "./complete-tree.js";
import { isExpression } from "../model/expression.js";
import { jsonPointer } from "../json/walk.js";
import { isLiteral, treeOfJson } from "../expression/literal.js";
import { isList } from "../expression/references.js";
import { hasParts, partsOf } from "./schema-words.js";
import type { WithParts } from "./schema-words.js";

/** Touches nothing: what a step without subjects shares. */
export const NO_WRITES: StepWrites = Object.freeze({
  reads: Object.freeze([]),
  writes: Object.freeze([]),
  lateWrites: Object.freeze([]),
});

/**
 * What one step declares that it touches, read from its own arguments (decisions 2.8 and 2.9, X20).
 *
 * Declared subjects count always. In `heuristic` mode, every UUID in an argument of a writing verb counts as a write unless the
 * field is declared or `plain`. A place of a writing subject that holds a late value is a late write. UUIDs compare in lower case.
 *
 * @remarks Time O(nodes) of the arguments, n log n in the subjects found.
 */
export function deriveWrites(contract: VerbContract, args: Tree, mode: WriteSetMode): StepWrites {
  const guesses = mode === "heuristic" && contract.effect === "write";
  if (!guesses && !hasSubject(contract.args)) return NO_WRITES;
  const found = new Finder(guesses);
  found.walk(contract.args, args, false);
  return found.sorted();
}

/**
 * The pass: in `declared` mode, a writing verb whose arguments declare no subject to write is refused.
 *
 * @returns `undefined` when every step passes; else one finding per verb, in order of the plan
 */
export function checkWriteSet(
  steps: readonly ExpandedStep[],
  contracts: ReadonlyMap<VerbRef, VerbContract>,
  mode: WriteSetMode,
): CompilationError | undefined {
  if (mode === "heuristic") return undefined;
  const silent = new Map<VerbRef, string[]>();
  for (const step of steps) {
    const contract = contracts.get(step.verb);
    if (contract?.effect !== "write" || hasSubject(contract.args, "write")) continue;
    const ids = silent.get(step.verb);
    if (ids === undefined) silent.set(step.verb, [step.id]);
    else ids.push(step.id);
  }
  if (silent.size === 0) return undefined;
  return compilationError(
    "write_set_unresolved",
    [...silent].map(([verb, ids]) =>
      errorFinding(
        "write_set.undeclared",
        ids[0] ?? "",
        `"${verb}" writes and declares no entity that it writes; annotate an argument with subject(kind, "write")`,
        ids,
      ),
    ),
  );
}

const SUBJECTS = { read: new WeakMap<SchemaDescription, boolean>(), write: new WeakMap<SchemaDescription, boolean>() };

/** Tells whether a description declares a subject (of one access) anywhere. */
function hasSubject(description: SchemaDescription, access?: Access): boolean {
  if (access === undefined) return hasSubject(description, "read") || hasSubject(description, "write");
  const known = SUBJECTS[access].get(description);
  if (known !== undefined) return known;
  const has =
    (description.type === "string" && description.subject?.access === access) ||
    partsOf(description).some((part) => hasSubject(part, access));
  SUBJECTS[access].set(description, has);
  return has;
}

type Container = readonly Tree[] | { readonly [key: string]: Tree };

/** Reads subjects out of arguments, down the description and the tree at once. */
class Finder {
  readonly #guesses: boolean;
  readonly #reads: Subject[] = [];
  readonly #writes: Subject[] = [];
  readonly #late: LateWrite[] = [];
  readonly #around: SchemaDescription[] = [];
  /** Names from the root to where the walk stands. */
  readonly #path: string[] = [];

  constructor(guesses: boolean) {
    this.#guesses = guesses;
  }

  sorted(): StepWrites {
    if (this.#reads.length === 0 && this.#writes.length === 0 && this.#late.length === 0) return NO_WRITES;
    return Object.freeze({ reads: sealedList(this.#reads), writes: sealedList(this.#writes), lateWrites: lateList(this.#late) });
  }

  /** `raw` = plain JSON, in which a member `$` means nothing; no description = a place that nothing is said about. */
  walk(description: SchemaDescription | undefined, node: Tree, raw: boolean): void {
    if (node === null || typeof node === "number" || typeof node === "boolean") return;
    if (!raw && typeof node === "object" && !isList(node) && isExpression(node)) {
      if (node.$ === "literal") this.walk(description, node.value, true);
      else if (description !== undefined) this.#lateKinds(description, new Set());
    } else if (description?.type === "recursive") {
      const inner = this.#around.splice(description.depth);
      this.walk(inner[0], node, raw);
      this.#around.push(...inner);
    } else if (description === undefined || !hasParts(description)) {
      if (typeof node === "string") this.#string(description, node);
      else this.#members(description, node, raw);
    } else {
      this.#around.push(description);
      this.#parts(description, node, raw);
      this.#around.pop();
    }
  }

  #parts(description: WithParts, node: string | Container, raw: boolean): void {
    if (description.type === "optional" || description.type === "default") this.walk(description.of, node, raw);
    else if (description.type === "union") {
      for (const option of this.#fitting(description.of, node, raw)) this.walk(option, node, raw);
    } else if (typeof node === "string") this.#string(undefined, node);
    else this.#members(description, node, raw);
  }

  /** The option that the parse takes; every option that may be taken where late values leave it open. */
  #fitting(options: readonly SchemaDescription[], node: Tree, raw: boolean): readonly SchemaDescription[] {
    const tree = raw ? treeOfJson(node) : node;
    const fitting = options.filter((option) => completeTree(option, tree, undefined, this.#around).issues.length === 0);
    return isLiteral(tree) ? fitting.slice(0, 1) : fitting;
  }

  #members(description: SchemaDescription | undefined, node: Container, raw: boolean): void {
    const key = description?.type === "record" ? description.key : undefined;
    const namesAreData = description?.type !== "object" && !isList(node);
    const container = node as { readonly [name: string]: Tree };
    for (const name of Object.keys(node)) {
      if (namesAreData) this.#string(key, name);
      this.#path.push(name);
      this.walk(memberOf(description, name), container[name] ?? null, raw);
      this.#path.pop();
    }
  }

  #string(description: SchemaDescription | undefined, text: string): void {
    const declared = description?.type === "string" ? description : undefined;
    if (declared?.subject !== undefined) {
      const { kind, access } = declared.subject;
      const subject: Subject = Object.freeze({ kind, id: entityId(text), access, source: "declared" });
      (access === "write" ? this.#writes : this.#reads).push(subject);
      return;
    }
    if (!this.#guesses || declared?.plain === true) return;
    const id = uuidIn(text);
    if (id === undefined) return;
    this.#writes.push(Object.freeze({ kind: UNDECLARED_KIND, id, access: "write", source: "heuristic" }));
  }

  /** The kinds that a late value may name below a description, each once per place. */
  #lateKinds(description: SchemaDescription, seen: Set<SchemaDescription | string>): void {
    if (seen.has(description)) return;
    seen.add(description);
    if (description.type === "string" && description.subject?.access === "write" && !seen.has(description.subject.kind)) {
      seen.add(description.subject.kind);
      this.#late.push(Object.freeze({ kind: description.subject.kind, pointer: jsonPointer(this.#path) }));
    }
    const meant = description.type === "recursive" ? this.#around[description.depth] : undefined;
    for (const part of meant === undefined ? partsOf(description) : [meant]) this.#lateKinds(part, seen);
  }
}

/** One entry per entity, sorted; a declaration says more than a guess. */
function sealedList(subjects: readonly Subject[]): readonly Subject[] {
  if (subjects.length < 2) return Object.freeze(subjects);
  const byEntity = new Map<string, Subject>();
  for (const subject of subjects) {
    const key = entityKey(subject);
    const known = byEntity.get(key);
    if (known === undefined || (known.source === "heuristic" && subject.source === "declared")) byEntity.set(key, subject);
  }
  return Object.freeze([...byEntity.values()].sort(bySubject));
}

function lateList(late: readonly LateWrite[]): readonly LateWrite[] {
  return Object.freeze(late.length < 2 ? late : [...late].sort(byPointer));
}

function memberOf(shape: SchemaDescription | undefined, name: string): SchemaDescription | undefined {
  switch (shape?.type) {
    case "object":
      return Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    case "record":
      return shape.value;
    case "array":
      return shape.item;
    case "tuple":
      return shape.items[Number(name)] ?? shape.rest;
    default:
      return undefined;
  }
}

function bySubject(a: Subject, b: Subject): number {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function byPointer(a: LateWrite, b: LateWrite): number {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.pointer !== b.pointer) return a.pointer < b.pointer ? -1 : 1;
  return 0;
}
