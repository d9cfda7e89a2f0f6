import type { Expression, ValuePath } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { printTree } from "../expression/print.js";
import type { Phase, Sym } from "./expr.js";
import { memberNamesOf, memberShape, type Shape } from "./shape.js";
import { didYouMean, suggestFrom } from "./suggest.js";

/** What a symbolic value belongs to: the recording of one macro body (or of one inverse). */
export interface SymbolicOwner {
  /** Name of the macro or verb, for messages. */
  readonly name: string;
  /** Remembers the error, so that a body which swallows it is refused all the same, and throws it. */
  refuse(error: RunsealError): never;
}

/** What stands behind a symbolic value. */
export interface SymbolicNode {
  readonly tree: Expression;
  readonly phase: Phase;
  readonly shape: Shape;
  readonly owner: SymbolicOwner;
  /** The innermost block of the body that it may be used in. */
  readonly block: object;
}

const nodes = new WeakMap<object, SymbolicNode>();

/** The node behind a symbolic value; `undefined` for everything else. Runs no code of the value. */
export function nodeOf(value: unknown): SymbolicNode | undefined {
  return typeof value === "function" ? nodes.get(value) : undefined;
}

/**
 * Makes a symbolic value: a Proxy whose members are symbolic too, and on which everything else that JavaScript can do throws.
 *
 * What no Proxy can see is left to the types: `===`, `!`, `typeof` and truth tests.
 */
export function symbolic<T, P extends Phase>(node: SymbolicNode): Sym<T, P> {
  const value = new Proxy(unavailable, handlerOf(node));
  nodes.set(value, node);
  // the one place where the recorder's Proxy takes on the builder's types
  return value as unknown as Sym<T, P>;
}

/** The member `name` of a symbolic value, as `value.name` gives it. */
export function memberOf(node: SymbolicNode, name: string, shape: Shape): SymbolicNode {
  const { tree } = node;
  const { path = [] } = tree as { readonly path?: ValuePath };
  return { ...node, tree: { ...tree, path: [...path, name] } as Expression, shape };
}

/** Refuses ordinary JavaScript on a symbolic value. */
function refuseUse(node: SymbolicNode, operation: string, instead: string): never {
  const expression = printTree(node.tree);
  const message = `"${expression}" has no value while "${node.owner.name}" is being defined, so that ${operation} can't work; ${instead}`;
  return node.owner.refuse(new RunsealError("macro.symbolic_value_used", message, { expression, operation }));
}

function unavailable(): void {
  // what the Proxy stands on; its own traps answer every call
}

const CONDITIONS = "use eq(), not(), exists() and when()";
const LISTS = "use forEach(), includes() or at()";

function handlerOf(node: SymbolicNode): ProxyHandler<() => void> {
  const refuse = (operation: string, instead: string) => (): never => refuseUse(node, operation, instead);
  const reading = refuse("listing or spreading its members", "name the members one by one");
  return {
    get: (_target, key) => (typeof key === "symbol" ? readSymbol(node, key) : readMember(node, key)),
    set: refuse("an assignment", "values are read only"),
    defineProperty: refuse("an assignment", "values are read only"),
    deleteProperty: refuse("a deletion", "values are read only"),
    setPrototypeOf: refuse("an assignment", "values are read only"),
    preventExtensions: refuse("freezing", "values are read only"),
    isExtensible: refuse("freezing", "values are read only"),
    has: refuse('"in"', "use exists() or includes()"),
    ownKeys: reading,
    getOwnPropertyDescriptor: reading,
    getPrototypeOf: refuse('"instanceof"', "it has the type of its schema"),
    apply: refuse("a call", "it is a value, not a function"),
    construct: refuse("a call", "it is a value, not a function"),
  };
}

/** What printing asks of every object; anything else is a use. */
const ASKED_BY_PRINTERS = new Set<symbol>([Symbol.toStringTag, Symbol.for("nodejs.util.inspect.custom")]);

function readSymbol(node: SymbolicNode, key: symbol): undefined {
  if (ASKED_BY_PRINTERS.has(key)) return undefined;
  if (key === Symbol.toPrimitive) return refuseUse(node, "text, arithmetic or a comparison", `use concat() or ${CONDITIONS}`);
  if (key === Symbol.iterator || key === Symbol.asyncIterator) return refuseUse(node, "iteration or spreading", LISTS);
  return refuseUse(node, `"${String(key.description)}"`, CONDITIONS);
}

/** What JavaScript itself asks of a value, whatever members it has. */
const PROTOCOL = new Map<string, readonly [operation: string, instead: string]>([
  ["toString", ["text", "use concat()"]],
  ["valueOf", ["arithmetic or a comparison", CONDITIONS]],
  ["toJSON", ["JSON.stringify", "pass the value itself"]],
  ["then", ["await", "a body can't wait; the value arrives while running"]],
]);

function readMember(node: SymbolicNode, name: string): unknown {
  const protocol = PROTOCOL.get(name);
  if (protocol !== undefined) return refuseUse(node, protocol[0], protocol[1]);
  const isOfLanguage = name in Array.prototype || name in unavailable;
  const shape = memberShape(node.shape, name);
  if (shape !== undefined && !(isOfLanguage && isOpen(node.shape))) return symbolic(memberOf(node, name, shape));
  if (isOfLanguage) return refuseUse(node, `"${name}"`, LISTS);
  return refusePath(node, name);
}

/** Tells whether any name at all would be a member, so that a method of JavaScript can't be told from one. */
function isOpen(shape: Shape): boolean {
  return (
    shape.kind === "unknown" || (shape.kind === "schema" && shape.places.some(({ description }) => description.type === "json"))
  );
}

/** Refuses a member that the schema does not have. */
export function refusePath(node: SymbolicNode, name: string): never {
  const names = memberNamesOf(node.shape);
  const path = `${printTree(node.tree)}.${name}`;
  const hint = didYouMean(suggestFrom(names, name)) || (names.length > 0 ? `; it has ${names.slice(0, 12).join(", ")}` : "");
  return node.owner.refuse(
    new RunsealError("macro.unknown_path", `"${path}" is not in the schema of "${printTree(node.tree)}"${hint}`, {
      macro: node.owner.name,
      path,
    }),
  );
}
