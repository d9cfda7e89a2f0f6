import type { z } from "zod";
import type { Digest } from "../model/ids.js";
import type { Pack } from "../model/pack.js";
import type { Macro } from "./macro.js";
import type { Verb } from "./verb.js";

/**
 * The verbs, macros and packs that an instance knows: frozen, checked as a whole, and named by one digest.
 *
 * Lookups are by exact name and take O(1); `suggest` is for messages.
 */
export interface Catalog<out V extends Verb = Verb, out M extends Macro = Macro> {
  /** In the order given; every version of a verb is an entry of its own. */
  readonly verbs: readonly V[];
  readonly macros: readonly M[];
  readonly packs: readonly Pack[];
  /** Covers every contract, definition and pack; independent of their order. */
  readonly digest: Digest;
  /** The newest version of a verb that is not retired; `undefined` when there is none. */
  verb(name: string): Verb | undefined;
  /** A verb by `name@version`, retired ones included. */
  verbAt(ref: string): Verb | undefined;
  macro(name: string): Macro | undefined;
  pack(id: string): Pack | undefined;
  /** At most 3 names of verbs and macros that look like `name`, nearest first. */
  suggest(name: string): readonly string[];
  /**
   * A new catalog with these added; this one is unchanged.
   * @throws as {@link createCatalog}
   */
  with<const W extends readonly Verb[] = readonly [], const N extends readonly Macro[] = readonly []>(
    more: CatalogParts<W, N>,
  ): Catalog<V | W[number], M | N[number]>;
}

/** What a catalog is made of. */
export interface CatalogParts<V extends readonly Verb[], M extends readonly Macro[]> {
  readonly verbs?: V;
  readonly macros?: M;
  readonly packs?: readonly Pack[];
}

/** The verbs of a catalog type, as a union. */
export type VerbsOf<C> = C extends Catalog<infer V> ? V : never;

/** The macros of a catalog type, as a union. */
export type MacrosOf<C> = C extends Catalog<Verb, infer M> ? M : never;

/** The names that `run`, `compile` and `invocation` take. */
export type NameOf<C> = VerbsOf<C>["name"] | MacrosOf<C>["name"];

/** The arguments of a verb or macro of a catalog, as a caller writes them. */
export type ArgsOf<C, N extends string> =
  | (Extract<VerbsOf<C>, { readonly name: N }> extends infer X ? (X extends Verb ? z.input<X["args"]> : never) : never)
  | (Extract<MacrosOf<C>, { readonly name: N }> extends infer X ? (X extends Macro ? z.input<X["params"]> : never) : never);

/** What a verb or macro of a catalog gives. */
export type OutputOf<C, N extends string> =
  | (Extract<VerbsOf<C>, { readonly name: N }> extends infer X ? (X extends Verb ? z.output<X["result"]> : never) : never)
  | (Extract<MacrosOf<C>, { readonly name: N }> extends infer X
      ? X extends Macro<string, z.ZodType, infer O>
        ? O
        : never
      : never);
