import type { z } from "zod";
import type { Recheck } from "../model/macro.js";
import type { Mode } from "../model/verb.js";
import type { Arg, EntityId, Expr, Output, OutputOfBody, Phase, Ref, Sym } from "./expr.js";
import type { Macro } from "./macro.js";
import type { Verb } from "./verb.js";

/** A step, an invocation, or the list of a loop: what can be waited for. */
export type Awaited = Ref<unknown> | Expr<unknown, "late">;

/** What a step may say besides its verb and arguments. */
export interface StepOptions {
  /** Comes after these, also where it reads nothing of them. */
  readonly after?: readonly Awaited[];
  /** Decided by the engine, so that it may read results; a skipped step's result is `null` to those that accept it. */
  readonly when?: Expr<boolean>;
  /** Default: the verb's. */
  readonly mode?: Mode;
  /** Steps whose skipped result is accepted as `null`; `true` for every one. Default: none, and this step is skipped with them. */
  readonly optional?: true | readonly Ref<unknown>[];
  /** What a preview says. Default: the verb's sentence. */
  readonly sentence?: string;
}

/** A verb that does not write: what a plan may ask. */
export type ReadVerb = Verb<string, number, z.ZodType, z.ZodType, Mode, undefined>;

/** A part of a value, named as far as wanted: what a `require` expects. */
export type Expected<T> = T extends string | number | boolean | null | undefined | readonly unknown[]
  ? T
  : { readonly [K in keyof T]?: Expected<T[K]> };

type Key<T> = "index" | ((item: Sym<T, "sealed">, index: Sym<number, "sealed">) => Expr<string | number, "sealed">);

/** `forEach`: items that are strings or integers are their own keys, others need `{ key }`. */
export interface ForEach {
  <T extends string | number, O extends Output = null>(
    label: string,
    list: Expr<readonly T[], "sealed">,
    each: (item: Sym<T, "sealed">, index: Sym<number, "sealed">) => O,
  ): Sym<OutputOfBody<O>[], "late">;
  <T, O extends Output = null>(
    label: string,
    list: Expr<readonly T[], "sealed">,
    options: { readonly key: Key<T> },
    each: (item: Sym<T, "sealed">, index: Sym<number, "sealed">) => O,
  ): Sym<OutputOfBody<O>[], "late">;
}

type Variant<T, K extends keyof T, V> = T extends unknown ? (V extends T[K] ? T : never) : never;

type Element<T, K> = T extends readonly (infer U)[]
  ? K extends number
    ? // a list may be shorter, a tuple is as long as it says
      number extends T["length"]
      ? U | undefined
      : T[K]
    : never
  : T extends { readonly [key: string]: infer U }
    ? U | undefined
    : never;

/**
 * The words of a macro body.
 *
 * Functions without `this`, to be taken apart: `({ params, step, when }) => ...`. A body runs once, while the macro is defined,
 * and records what expansion will do. Labels are `[a-z][a-z0-9_]{0,62}` and unique in their loop or body.
 */
export interface Body<P> {
  /** The macro's parameters. */
  readonly params: Sym<P, "sealed">;
  /** Calls a verb. */
  readonly step: <V extends Verb>(
    label: string,
    verb: V,
    args: Arg<z.input<V["args"]>>,
    options?: StepOptions,
  ) => Ref<z.output<V["result"]>>;
  /** Expands another macro in this place. */
  readonly invoke: <M extends Macro>(
    label: string,
    macro: M,
    args: Arg<z.input<M["params"]>>,
    options?: { readonly after?: readonly Awaited[] },
  ) => Ref<M extends Macro<string, z.ZodType, infer O> ? O : never>;
  /** Asks a verb while compiling; the answer is sealed. `recheck` defaults to `at_admission`. */
  readonly lookup: <V extends ReadVerb>(
    label: string,
    verb: V,
    args: Arg<z.input<V["args"]>, "sealed">,
    options?: { readonly recheck?: Recheck },
  ) => Sym<z.output<V["result"]>, "sealed">;
  /** Asks a verb while compiling and refuses to compile unless the answer holds what is expected. */
  readonly require: <V extends ReadVerb>(
    label: string,
    verb: V,
    args: Arg<z.input<V["args"]>, "sealed">,
    expected: Arg<Expected<z.output<V["result"]>>, "sealed">,
    options?: { readonly recheck?: Recheck },
  ) => void;
  /** Decides while expanding; what depends on results goes into `step(..., { when })`. */
  readonly when: (condition: Expr<boolean, "sealed">, then: () => void, otherwise?: () => void) => void;
  /** Records the callback once and expands it for each item; gives the list of what it returned. */
  readonly forEach: ForEach;
  /** Decides by the discriminator of a choice while expanding; every variant has its case. */
  readonly match: <T, K extends keyof T & string>(
    value: Expr<T, "sealed">,
    discriminator: K,
    cases: { readonly [V in T[K] & string]: (variant: Sym<Variant<T, K, V>, "sealed">) => void },
  ) => void;
  /** The id of a new entity, known before it is made. */
  readonly allocate: <const K extends string>(kind: K) => Sym<EntityId<K>, "sealed">;
  /** A value that the caller of compile gives by name. */
  readonly bind: <S extends z.ZodType>(name: string, schema: S) => Sym<z.output<S>, "sealed">;
  readonly eq: <T, Q extends Phase>(a: Expr<T, Q>, b: NoInfer<T> | Expr<NoInfer<T>, Q>) => Sym<boolean, Q>;
  readonly ne: <T, Q extends Phase>(a: Expr<T, Q>, b: NoInfer<T> | Expr<NoInfer<T>, Q>) => Sym<boolean, Q>;
  readonly not: <Q extends Phase>(condition: Expr<boolean, Q>) => Sym<boolean, Q>;
  readonly all: <Q extends Phase = "sealed">(...conditions: readonly Expr<boolean, Q>[]) => Sym<boolean, Q>;
  readonly any: <Q extends Phase = "sealed">(...conditions: readonly Expr<boolean, Q>[]) => Sym<boolean, Q>;
  /** Whether `item` is one of `list`. */
  readonly includes: <T, Q extends Phase = "sealed">(
    list: readonly T[] | Expr<readonly T[], Q>,
    item: NoInfer<T> | Expr<NoInfer<T>, Q>,
  ) => Sym<boolean, Q>;
  /** Whether a value is there and not `null`. */
  readonly exists: <Q extends Phase>(value: Expr<unknown, Q>) => Sym<boolean, Q>;
  /** Joins texts and numbers. */
  readonly concat: <Q extends Phase = "sealed">(
    ...parts: readonly (string | number | Expr<string | number, Q>)[]
  ) => Sym<string, Q>;
  /** The value, or `otherwise` where it is absent or `null`. */
  readonly orElse: <T, Q extends Phase>(
    value: Expr<T, Q>,
    otherwise: NonNullable<NoInfer<T>> | Expr<NonNullable<NoInfer<T>>, Q>,
  ) => Sym<NonNullable<T>, Q>;
  /** A member of a record, or an item of a list. */
  readonly at: <T, Q extends Phase, K extends (NonNullable<T> extends readonly unknown[] ? number : string)>(
    value: Expr<T, Q>,
    key: K,
  ) => Sym<Element<NonNullable<T>, K>, Q>;
}
