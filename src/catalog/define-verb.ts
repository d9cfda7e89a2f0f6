import type { z } from "zod";
import type { Mode, Recovery, RetryPolicy, Undo, VerbContract } from "../model/verb.js";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { digestOf } from "../json/digest.js";
import { describeSchema } from "./describe-schema.js";
import type { Arg, Sym } from "./expr.js";
import { recordInverse } from "./record-inverse.js";
import { isSchema } from "./schema-definition.js";
import { refuseUnknown } from "./refuse-unknown.js";
import type { Handler, Verb } from "./verb.js";
import { checkFields, fieldError, isName, isVersion, timeoutMsOf } from "./verb-fields.js";

const RETRY = { baseMs: 200, maxMs: 30_000 } as const;
const TIMEOUT_MS = 300_000;

/** How a verb is undone: another verb, and its arguments as a function of this one's arguments and result. */
export interface Inverse<A extends z.ZodType, R extends z.ZodType> {
  /** The verb, or its name where it is defined later. */
  readonly verb: Verb | string;
  /** Called once, while the verb is defined, with symbolic values. */
  readonly args: (of: {
    readonly args: Sym<z.output<A>, "sealed">;
    readonly result: Sym<z.output<R>, "late">;
  }) => Arg<unknown>;
}

/** A writing verb says what is done when it is not known whether it happened; others have nothing to say. */
export type EffectFields<C extends Recovery | undefined> =
  | { readonly effect: "pure" | "read"; readonly recovery?: never }
  | { readonly effect: "write"; readonly recovery: C & Recovery };

/** What `defineVerb` is given, besides effect and recovery. */
export interface VerbFields<
  N extends string,
  V extends number,
  A extends z.ZodType,
  R extends z.ZodType,
  M extends Mode,
> {
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
  /** Time one attempt may take: milliseconds, or a duration such as `"30s"`. Default 5 minutes. */
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

/**
 * Defines a verb: one thing that can be done, as a contract.
 *
 * The digest of the contract covers its meaning (name, version, schemas, effect, recovery, mode, inverse) and neither texts nor
 * timeouts. Nothing is registered; a verb is a frozen value for `createCatalog` and for macro bodies.
 *
 * @throws {@link RunsealError} `verb.invalid` when a field is missing, malformed, unknown or contradicts another;
 *   `schema.not_describable` when a schema says what a contract can't; what the recording of `undo.args` throws
 */
export function defineVerb<
  const N extends `${string}.${string}`,
  const V extends number,
  A extends z.ZodObject,
  R extends z.ZodType,
  const M extends Mode = "sync",
  const C extends Recovery | undefined = undefined,
>(contract: VerbFields<N, V, A, R, M> & EffectFields<C>): Verb<N, V, A, R, M, C, false> {
  checkFields(contract);
  const data = contractOf(contract);
  return makeVerb<N, V, A, R, M, C, false>(
    {
      kind: "verb",
      name: contract.name,
      version: contract.version,
      args: contract.args,
      result: contract.result,
      // the type parameters default where the members are absent
      mode: data.mode as M,
      recovery: data.recovery as C,
      contract: data,
    },
    undefined,
    false,
  );
}

type Core<N extends string, V extends number, A extends z.ZodType, R extends z.ZodType, M extends Mode, C extends Recovery | undefined> = Omit<
  Verb<N, V, A, R, M, C>,
  "handle" | "handler" | "isHandled"
>;

function makeVerb<
  N extends string,
  V extends number,
  A extends z.ZodType,
  R extends z.ZodType,
  M extends Mode,
  C extends Recovery | undefined,
  H extends boolean,
>(core: Core<N, V, A, R, M, C>, handler: unknown, isHandled: H): Verb<N, V, A, R, M, C, H> {
  return Object.freeze({
    ...core,
    handler,
    isHandled,
    handle: (attached: Handler<A, R, M, C>) => makeVerb<N, V, A, R, M, C, true>(core, checkedHandler(core, attached), true),
  });
}

function checkedHandler(core: { readonly name: string; readonly recovery: Recovery | undefined }, handler: unknown): unknown {
  const functions =
    core.recovery === "reconcile" && typeof handler === "object" && handler !== null
      ? [Reflect.get(handler, "run") as unknown, Reflect.get(handler, "reconcile") as unknown]
      : [core.recovery === "reconcile" ? undefined : handler];
  if (functions.every((part) => typeof part === "function")) return handler;
  const wanted = core.recovery === "reconcile" ? "{ run, reconcile }, two functions" : "a function";
  throw fieldError(core.name, "handler", `the handler of "${core.name}" is not ${wanted}`);
}

type AnyFields = VerbFields<string, number, z.ZodType, z.ZodType, Mode> & EffectFields<Recovery | undefined>;

function contractOf(fields: AnyFields): VerbContract {
  const { name, version, effect, recovery } = fields;
  const args = refuseUnknown(describedSchema(name, "args", fields.args));
  if (args.type !== "object") throw fieldError(name, "args", `the arguments of "${name}" are no object; use z.object({ ... })`);
  const result = describedSchema(name, "result", fields.result);
  const mode = fields.mode ?? "sync";
  const undo = fields.undo === undefined ? undefined : inverseOf(name, fields.undo, args, result);
  const meaning = {
    name,
    version,
    args,
    result,
    effect,
    ...(recovery === undefined ? {} : { recovery }),
    mode,
    ...(undo === undefined ? {} : { undo }),
  };
  checkSentence(name, fields.sentence, args);
  return Object.freeze({
    ...meaning,
    retired: fields.retired ?? false,
    retry: retryOf(fields),
    timeoutMs: fields.timeout === undefined ? TIMEOUT_MS : timeoutMsOf(name, fields.timeout),
    tags: Object.freeze([...(fields.tags ?? [])]),
    ...(fields.sentence === undefined ? {} : { sentence: fields.sentence }),
    replayable: fields.replayable ?? false,
    digest: digestOf("runseal/contract/1", meaning),
  });
}
