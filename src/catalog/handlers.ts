import type { z } from "zod";
import type { Mode } from "../model/verb.js";
import type { VerbsOf } from "./catalog.js";
import type { Handler, Verb } from "./verb.js";

/** What does a verb of type `X`. */
export type HandlerOf<X> =
  X extends Verb<string, number, infer A extends z.ZodType, infer R extends z.ZodType, infer M extends Mode, infer C>
    ? Handler<A, R, M, C>
    : never;

type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;

/** The key of a verb's handler: its name, or `name@version` where the catalog holds several versions. */
export type HandlerKeyOf<X extends Verb, All extends Verb> =
  true extends IsUnion<Extract<All, { readonly name: X["name"] }>["version"]> ? `${X["name"]}@${X["version"]}` : X["name"];

type NeedsNone = { readonly mode: "human_gate" } | { readonly isHandled: true };

type KeysOf<V extends Verb, All extends Verb = V> = V extends Verb ? HandlerKeyOf<V, All> : never;

type ByKey<V extends Verb, K, All extends Verb = V> = V extends Verb ? (HandlerKeyOf<V, All> extends K ? V : never) : never;

type NeedsOne<V extends Verb> = Exclude<V, NeedsNone>;

/**
 * The handlers that an instance of a catalog needs: `Handlers<typeof catalog>`.
 *
 * Optional for `human_gate` verbs and for verbs that `handle` gave one.
 *
 * @remarks Mapped over keys, not over verbs with `as`: through a remapped key TypeScript gives nested functions no parameter types.
 */
export type Handlers<C> = {
  readonly [K in KeysOf<NeedsOne<VerbsOf<C>>, VerbsOf<C>>]: HandlerOf<ByKey<VerbsOf<C>, K>>;
} & {
  readonly [K in KeysOf<Extract<VerbsOf<C>, NeedsNone>, VerbsOf<C>>]?: HandlerOf<ByKey<VerbsOf<C>, K>>;
};
