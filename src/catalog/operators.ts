import type { Operator } from "../model/expression.js";
import type { Body } from "./body.js";
import type { Phase, Sym } from "./expr.js";
import { innermost, type Recording } from "./recording.js";
import { itemShape, memberShape, shapeOf, UNKNOWN_SHAPE, type Shape } from "./shape.js";
import { memberOf, nodeOf, refusePath, symbolic } from "./symbolic.js";

const BOOLEAN = shapeOf({ type: "boolean" });
const TEXT = shapeOf({ type: "string" });

type Operators = Pick<Body<unknown>, "eq" | "ne" | "not" | "all" | "any" | "includes" | "exists" | "concat" | "orElse" | "at">;

/** The words of a body that compute with values instead of recording statements. */
export function operatorsOf(recording: Recording): Operators {
  return {
    eq: recording.word((a, b) => operation(recording, "eq", [a, b], BOOLEAN)),
    ne: recording.word((a, b) => operation(recording, "ne", [a, b], BOOLEAN)),
    not: recording.word((condition) => operation(recording, "not", [condition], BOOLEAN)),
    all: recording.word((...conditions) => operation(recording, "all", conditions, BOOLEAN)),
    any: recording.word((...conditions) => operation(recording, "any", conditions, BOOLEAN)),
    includes: recording.word((list, item) => operation(recording, "in", [item, list], BOOLEAN)),
    exists: recording.word((value) => operation(recording, "exists", [value], BOOLEAN)),
    concat: recording.word((...parts) => operation(recording, "concat", parts, TEXT)),
    orElse: recording.word((value, otherwise) =>
      operation(recording, "orElse", [value, otherwise], nodeOf(value)?.shape ?? UNKNOWN_SHAPE),
    ),
    at: recording.word((value, key) => elementOf(recording, value, key)),
  };
}

/** Records an operator over values; late where one of them is. */
export function operation<T, P extends Phase>(
  recording: Recording,
  operator: Operator,
  operands: readonly unknown[],
  shape: Shape,
): Sym<T, P> {
  const captured = operands.map((operand) => recording.value(operand));
  const nodes = captured.flatMap((operand) => operand.nodes);
  return symbolic<T, P>({
    tree: { $: operator, of: captured.map((operand) => operand.tree) },
    phase: nodes.some((node) => node.phase === "late") ? "late" : "sealed",
    shape,
    owner: recording,
    block: innermost(recording.root, nodes),
  });
}

function elementOf<T, P extends Phase>(recording: Recording, value: unknown, key: string | number): Sym<T, P> {
  const node = nodeOf(value);
  if (node === undefined) return recording.invalid("body", "uses at() on something that is no value of the body");
  const isIndex = typeof key === "number" && Number.isSafeInteger(key) && key >= 0;
  if (!isIndex && typeof key !== "string")
    return recording.invalid("body", `uses at() with ${String(key)}; keys are names, or 0, 1, 2 ...`);
  const shape = typeof key === "string" ? memberShape(node.shape, key) : itemShape(node.shape, key);
  return shape === undefined ? refusePath(node, String(key)) : symbolic<T, P>(memberOf(node, String(key), shape));
}
