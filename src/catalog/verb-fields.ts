import type { z } from "zod";
import type { Mode, Recovery, RetryPolicy } from "../model/verb.js";
import type { Arg, Sym } from "./expr.js";
import type { Verb } from "./verb.js";

/** How a verb is undone: another verb, and its arguments as a function of this one's arguments and result. */
export interface Inverse<A extends z.ZodType, R extends z.ZodType> {
  /** The verb, or its name where it is defined later. */
  readonly verb: Verb | string;
  /** Called once, while the verb is defined, with symbolic values. */
  args(of: { readonly args: Sym<z.output<A>, "sealed">; readonly result: Sym<z.output<R>, "late"> }): Arg<unknown>;
}

/**
 * A writing verb says what is done when it is not known whether it happened; others have nothing to say.
 *
 * A verb of mode `sync` that writes nothing but the stores' own database may be `transactional`: its handler gets `ctx.tx`, and what it writes there is
 * committed together with its completion, exactly once. It has a recovery class all the same: retries default by it, and it is what holds for
 * everything that the handler does besides.
 */
export type EffectFields<C extends Recovery | undefined, M extends Mode = Mode> =
  | { readonly effect: "pure" | "read"; readonly recovery?: never; readonly transactional?: never }
  | { readonly effect: "write"; readonly recovery: C & Recovery; readonly transactional?: "sync" extends M ? boolean : never };

/** What `defineVerb` is given, besides effect and recovery. */
export interface VerbFields<N extends string, V extends number, A extends z.ZodType, R extends z.ZodType, M extends Mode> {
  /** `domain.action`: two or more words of lower-case letters, digits and `_`, dots between them. */
  readonly name: N;
  /** 1 or more; a change of meaning is a new version. */
  readonly version: V;
  /** An object schema. */
  readonly args: A;
  readonly result: R;
  /** Default `sync`. */
  readonly mode?: M;
  /** Attempts and delays. Default 3 attempts for pure, read and idempotent verbs, else 1; first delay up to 200 ms, later ones up to 30 s. */
  readonly retry?: Partial<RetryPolicy>;
  /** Time one attempt may take: milliseconds, or a duration such as `"30s"`. Default 5 minutes, of a transactional verb 5 seconds, which is the most that it gets. */
  readonly timeout?: number | string;
  /** Words that runs can skip steps by. */
  readonly tags?: readonly string[];
  /** What a preview says of a step, with `{field}` for arguments. */
  readonly sentence?: string;
  readonly undo?: Inverse<A, R>;
  /** A `read` verb whose handler reaches the world through `ctx` only. Default false. */
  readonly replayable?: boolean;
  /** Serves old runbooks only. Default false. */
  readonly retired?: boolean;
}
