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

/** Name -> union of its versions: one pass over the verbs, where looking for each verb's namesakes would be quadratic. */
type VersionsOf<V extends Verb> = { readonly [X in V as X["name"]]: X["version"] };

/** The key of a verb's handler: its name, or `name@version` where the catalog holds several versions. */
export type HandlerKeyOf<X extends Verb, Versions> =
  true extends IsUnion<Versions[X["name"] & keyof Versions]> ? `${X["name"]}@${X["version"]}` : X["name"];

type NeedsNone = { readonly mode: "human_gate" } | { readonly isHandled: true };

type NeedsOne<V> = Exclude<V, NeedsNone>;

type KeysOf<V, Versions> = V extends Verb ? HandlerKeyOf<V, Versions> : never;

type ByKey<V, K, Versions> = V extends Verb ? (HandlerKeyOf<V, Versions> extends K ? V : never) : never;

/**
 * The handlers that an instance of a catalog needs: `Handlers<typeof catalog>`.
 *
 * Optional for `human_gate` verbs and for verbs that `handle` gave one.
 *
 * @remarks Mapped over keys, not over verbs with `as`: through a remapped key TypeScript gives nested functions no parameter types.
 */
export type Handlers<C> = {
  readonly [K in KeysOf<NeedsOne<VerbsOf<C>>, VersionsOf<VerbsOf<C>>>]: HandlerOf<ByKey<VerbsOf<C>, K, VersionsOf<VerbsOf<C>>>>;
} & {
  readonly [K in KeysOf<Extract<VerbsOf<C>, NeedsNone>, VersionsOf<VerbsOf<C>>>]?: HandlerOf<
    ByKey<VerbsOf<C>, K, VersionsOf<VerbsOf<C>>>
  >;
};
