import type { BodyItem } from "../model/macro.js";
import type { Tree } from "../model/expression.js";
import type { Body } from "./body.js";
import type { Sym } from "./expr.js";
import { operation } from "./operators.js";
import { outputShape } from "./output-shape.js";
import type { Recording } from "./recording.js";
import { isScalarShape, itemShape, shapeOf, tagsOfShape, UNKNOWN_SHAPE, variantShape, type Shape } from "./shape.js";
import { memberOf, nodeOf, refusePath, symbolic, type SymbolicNode } from "./symbolic.js";

type Blocks = Pick<Body<unknown>, "when" | "forEach" | "match">;
type LoopKey = Extract<BodyItem, { readonly kind: "for_each" }>["key"];

const INDEX = shapeOf({ type: "integer", min: 0 });
const BOOLEAN = shapeOf({ type: "boolean" });

/** The words of a body that hold other statements. */
export function blocksOf(recording: Recording): Blocks {
  // `forEach(label, list, each)` or `forEach(label, list, options, each)`
  const forEach = recording.word((label: string, list: unknown, second: unknown, third?: unknown) =>
    third === undefined ? loop(recording, label, list, {}, second) : loop(recording, label, list, second, third),
  );
  return {
    when: recording.word((condition: unknown, then: unknown, otherwise?: unknown) => {
      const tree = recording.sealed(condition, pathOf(recording, "when"), "the condition");
      recordWhen(recording, tree, then, otherwise);
    }),
    forEach,
    match: recording.word((value: unknown, discriminator: string, cases: object) => {
      recordMatch(recording, value, discriminator, cases);
    }),
  };
}

function recordWhen(recording: Recording, condition: Tree, then: unknown, otherwise: unknown): void {
  const sideOf = (side: unknown): readonly BodyItem[] => {
    if (side === undefined) return [];
    if (typeof side !== "function") return recording.invalid("body", "has a when without a function");
    return recording.within(() => Reflect.apply(side, undefined, []) as unknown).items;
  };
  if (then === undefined) recording.invalid("body", "has a when without a function");
  const item = { kind: "when" as const, condition, then: sideOf(then), otherwise: sideOf(otherwise) };
  recording.add(item);
}

function loop(recording: Recording, label: string, list: unknown, options: unknown, each: unknown): Sym<never, "late"> {
  const path = recording.take(label);
  const name = path.join("/");
  const tree = recording.sealed(list, name, "the list");
  const shape = itemShape(nodeOf(list)?.shape ?? UNKNOWN_SHAPE);
  if (shape === undefined) return recording.invalid("body", `loops over something at "${name}" that is no list`);
  if (typeof each !== "function") return recording.invalid("body", `has a loop "${name}" without a function`);
  const { result, items } = recording.within((block) => {
    const node = { phase: "sealed" as const, owner: recording, block };
    const item = symbolic({ ...node, tree: { $: "item", loop: name, path: [] }, shape });
    const index = symbolic({ ...node, tree: { $: "index", loop: name }, shape: INDEX });
    const key = keyOf(recording, name, shape, options, [item, index]);
    const output: unknown = Reflect.apply(each, undefined, [item, index]);
    recording.refusePromise(output);
    return { key, output, yields: recording.output(output, `the loop "${name}"`) };
  }, path);
  recording.add({ kind: "for_each", label, list: tree, key: result.key, body: items, yields: result.yields });
  return symbolic({
    tree: { $: "collect", loop: name, path: [] },
    phase: "late",
    shape: { kind: "list", item: outputShape(result.output) },
    owner: recording,
    block: recording.block,
  });
}

function keyOf(recording: Recording, name: string, shape: Shape, options: unknown, of: readonly unknown[]): LoopKey {
  const key: unknown = typeof options === "object" && options !== null && "key" in options ? options.key : undefined;
  if (key === "index") return { by: "index" };
  if (typeof key === "function") {
    const given: unknown = Reflect.apply(key, undefined, of);
    if (nodeOf(given) === undefined)
      return recording.invalid("body", `names the key of "${name}" by something that is not of the item`);
    return { by: "expression", tree: recording.sealed(given, name, "the key") };
  }
  if (key !== undefined)
    return recording.invalid("body", `has a loop "${name}" whose key is not "index" or a function of the item`);
  if (isScalarShape(shape)) return { by: "item" };
  return recording.invalid("body", `has a loop "${name}" over objects; name what tells them apart: { key: (item) => item.id }`);
}

function recordMatch(recording: Recording, value: unknown, discriminator: string, cases: object): void {
  const node = nodeOf(value);
  if (node === undefined) return recording.invalid("body", "matches something that is no value of the body");
  recording.sealed(value, pathOf(recording, "match"), "the value");
  const tags = tagsOfShape(node.shape, discriminator);
  const missing = tags.find((tag) => !Object.hasOwn(cases, tag));
  if (missing !== undefined) recording.invalid("body", `matches "${discriminator}" without a case for "${missing}"`);
  for (const [tag, then] of Object.entries<unknown>({ ...cases })) {
    if (typeof then !== "function") recording.invalid("body", `matches "${tag}" without a function`);
    recordCase(recording, node, discriminator, tag, then);
  }
}

function recordCase(recording: Recording, node: SymbolicNode, discriminator: string, tag: string, then: unknown): void {
  const shape = variantShape(node.shape, discriminator, tag);
  if (shape === undefined) return refusePath(node, `${discriminator} = "${tag}"`);
  const variant = symbolic({ ...node, shape });
  const which = symbolic(memberOf(node, discriminator, shapeOf({ type: "string" })));
  const condition = operation(recording, "eq", [which, tag], BOOLEAN);
  recordWhen(
    recording,
    recording.value(condition).tree,
    () => Reflect.apply(then as () => unknown, undefined, [variant]) as unknown,
    undefined,
  );
}

function pathOf(recording: Recording, word: string): string {
  return [...recording.block.path, word].join("/");
}
