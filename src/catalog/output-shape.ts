import { define } from "../expression/literal.js";
import { UNKNOWN_SHAPE, type Shape } from "./shape.js";
import { nodeOf } from "./symbolic.js";

/** A value without members. */
const NOTHING: Shape = { kind: "schema", places: [] };

/** What is known of an output, member by member: so that a misspelled one is found where it is read. */
export function outputShape(value: unknown): Shape {
  const node = nodeOf(value);
  if (node !== undefined) return node.shape;
  if (typeof value !== "object" || value === null) return NOTHING;
  if (Array.isArray(value)) return { kind: "list", item: UNKNOWN_SHAPE };
  const fields: Record<string, Shape> = {};
  for (const [name, member] of Object.entries(value)) define(fields, name, outputShape(member));
  return { kind: "record", fields };
}
