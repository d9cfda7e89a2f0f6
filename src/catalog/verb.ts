import type { z } from "zod";
import type { Park } from "../model/park.js";
import type { StepContext } from "../model/step-context.js";
import type { Mode, Recovery, VerbContract } from "../model/verb.js";

/** What a reconciling verb answers when it is asked whether its effect happened. */
export type Reconciled<R> =
  { readonly kind: "done"; readonly result: R } | { readonly kind: "not_done" } | { readonly kind: "unknown" };

type Given<R extends z.ZodType, M extends Mode> = M extends "durable" ? z.input<R> | Park : z.input<R>;

/** The function that does a verb: parsed arguments and the step's context in, the result (or, when durable, a park) out. */
export type HandlerFunction<A extends z.ZodType, R extends z.ZodType, M extends Mode = "sync"> = (
  args: z.output<A>,
  ctx: StepContext,
) => Promise<Given<R, M>>;

/** What does a verb: a function, or for recovery class `reconcile` the function and the question whether its effect happened. */
export type Handler<A extends z.ZodType, R extends z.ZodType, M extends Mode, C extends Recovery | undefined> = [C] extends [
  "reconcile",
]
  ? {
      readonly run: HandlerFunction<A, R, M>;
      readonly reconcile: (args: z.output<A>, ctx: StepContext) => Promise<Reconciled<z.input<R>>>;
    }
  : HandlerFunction<A, R, M>;

/**
 * One thing that can be done, and everything that a plan and a reviewer need to know of it.
 *
 * Frozen. Its meaning is data ({@link VerbContract}); the zod schemas check values at the doors, and the handler is bound at
 * the instance unless `handle` attached one.
 */
export interface Verb<
  N extends string = string,
  V extends number = number,
  A extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
  M extends Mode = Mode,
  C extends Recovery | undefined = Recovery | undefined,
  H extends boolean = boolean,
> {
  readonly kind: "verb";
  readonly name: N;
  readonly version: V;
  readonly args: A;
  readonly result: R;
  readonly mode: M;
  /** `undefined` for verbs that don't write. */
  readonly recovery: C;
  readonly contract: VerbContract;
  /** Whether `handle` attached a handler. */
  readonly isHandled: H;
  /** The attached handler; `undefined` without one. */
  readonly handler: unknown;
  /** The same verb with its handler attached: sugar for `handlers` of the instance. */
  handle(handler: Handler<A, R, M, C>): Verb<N, V, A, R, M, C, true>;
}
