/** When a value is known: as the runbook is sealed, or only while it runs. */
export type Phase = "sealed" | "late";

declare const NODE: unique symbol;
declare const KIND: unique symbol;

/**
 * A value that a macro body names and does not have.
 *
 * Callable in types only, so that `if (expr)` and `expr ? a : b` are TS2774; nothing can call it.
 */
export interface Expr<out T, out P extends Phase = Phase> {
  (): never;
  readonly [NODE]: { readonly type: T; readonly phase: P };
}

type Scalar = string | number | boolean | null | undefined;

type Fields<T, P extends Phase> = [NonNullable<T>] extends [Scalar]
  ? unknown
  : [NonNullable<T>] extends [readonly unknown[]]
    ? unknown
    : { readonly [K in keyof NonNullable<T> & string]-?: Sym<NonNullable<T>[K] | Extract<T, null | undefined>, P> };

/** An {@link Expr} whose members can be read: `params.contact.email`. */
export type Sym<T, P extends Phase = Phase> = Expr<T, P> & Fields<T, P>;

/** What may be written where a value of type `T` is wanted: a literal, an expression, or a mix at any depth. */
export type Arg<T, P extends Phase = Phase> = Expr<T, P> | Literal<T, P>;

type AnyLiteral<P extends Phase> =
  Scalar | Expr<unknown, P> | readonly AnyLiteral<P>[] | { readonly [key: string]: AnyLiteral<P> };

type Literal<T, P extends Phase> = unknown extends T
  ? AnyLiteral<P>
  : T extends Scalar
    ? T
    : T extends readonly (infer U)[]
      ? readonly Arg<U, P>[]
      : T extends object
        ? { readonly [K in keyof T]: Arg<T[K], P> }
        : never;

/** The id of an entity of kind `K`: a flavour, so that any plain string passes and the id of another kind does not. */
export type EntityId<K extends string> = string & { readonly [KIND]?: K };

/** A step or an invocation of a macro body. */
export interface Ref<R> {
  /** Its path of labels from the root of the body. */
  readonly id: string;
  /** What it will give, known while running. */
  readonly result: Sym<R, "late">;
}

/** The plain value that an output of a macro body becomes. */
export type Out<O> = O extends Expr<infer T> ? T : O extends object ? { [K in keyof O]: Out<O[K]> } : O;

/** What a macro body or the callback of a loop may return. */
export type OutputValue = Scalar | Expr<unknown> | readonly OutputValue[] | { readonly [key: string]: OutputValue };

/** What a body or the callback of a loop may give: {@link OutputValue}, or nothing. */
export type Output<V = OutputValue> = OneOf<V | undefined, void>;

/** The plain value of an {@link Output}: nothing is `null`. */
export type OutputOfBody<O> = [O] extends [OneOf<undefined, void>] ? null : Out<O>;

/** A function without a return gives `void`, which stands for itself only as a type argument. */
type OneOf<A, B> = A | B;
