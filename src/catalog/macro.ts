import type { z } from "zod";
import type { MacroDefinition } from "../model/macro.js";
import type { Shape } from "./shape.js";

declare const OUTPUT: unique symbol;

/** A recorded macro: its definition as data, the schema that checks its parameters, and the type of its output. */
export interface Macro<N extends string = string, P extends z.ZodType = z.ZodType, O = unknown> {
  readonly kind: "macro";
  readonly name: N;
  readonly version: number;
  readonly params: P;
  readonly definition: MacroDefinition;
  /** What the output record holds, as far as it is known. */
  readonly outputShape: Shape;
  /** Carries the type of the output; absent at run time. */
  readonly [OUTPUT]?: O;
}
