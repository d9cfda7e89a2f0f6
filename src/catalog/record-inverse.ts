import type { z } from "zod";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Undo } from "../model/verb.js";
import type { RunsealError } from "../errors/error.js";
import { isName } from "./name.js";
import { capture } from "./capture.js";
import { shapeOf } from "./shape.js";
import { symbolic, type SymbolicOwner } from "./symbolic.js";
import type { Inverse } from "./verb-fields.js";
import { invalidVerb } from "./invalid-verb.js";

/** The step that a verb invoked directly is (decision 1.5): what `result` means in an inverse. */
const MAIN = "main";

/**
 * Records the inverse of a verb: arguments as `param` expressions, its result as the `result` of the step `main`.
 *
 * @throws {@link RunsealError} `verb.invalid` when it names no verb or gives no object; `macro.symbolic_value_used` and
 *   `macro.unknown_path` as a macro body does
 */
export function recordInverse<A extends z.ZodType, R extends z.ZodType>(
  name: string,
  inverse: Inverse<A, R>,
  of: { readonly args: SchemaDescription; readonly result: SchemaDescription },
): Undo {
  const verb: unknown = typeof inverse.verb === "string" ? inverse.verb : inverse.verb.name;
  if (!isName(verb)) throw invalidVerb(name, "undo", "names no verb");
  if (typeof inverse.args !== "function") throw invalidVerb(name, "undo", "has no function that gives the arguments");
  const owner = new InverseOwner(name);
  const block = {};
  const args = inverse.args({
    args: symbolic({ tree: { $: "param", path: [] }, phase: "sealed", shape: shapeOf(of.args), owner, block }),
    result: symbolic({ tree: { $: "result", step: MAIN, path: [] }, phase: "late", shape: shapeOf(of.result), owner, block }),
  });
  const { tree, nodes } = capture(args);
  if (owner.refusal !== undefined) throw owner.refusal;
  if (nodes.some((node) => node.owner !== owner)) throw invalidVerb(name, "undo", "uses a value of another definition");
  if (typeof tree !== "object" || tree === null || Array.isArray(tree))
    throw invalidVerb(name, "undo", "gives no object of arguments");
  return { verb, args: tree };
}

class InverseOwner implements SymbolicOwner {
  refusal: RunsealError | undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  refuse(error: RunsealError): never {
    this.refusal ??= error;
    throw error;
  }
}
