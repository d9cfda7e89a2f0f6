import type { z } from "zod";
import type { Mode, Recovery } from "../model/verb.js";
import type { Handler, Verb } from "./verb.js";
import type { EffectFields, VerbFields } from "./verb-fields.js";
import { invalidVerb } from "./invalid-verb.js";
import { contractOf } from "./verb-contract.js";
import { member } from "./schema-definition.js";

/**
 * Defines a verb: one thing that can be done, as a contract.
 *
 * The digest of the contract covers its meaning (name, version, schemas, effect, recovery, mode, inverse) and neither texts nor
 * timeouts. Nothing is registered; a verb is a frozen value for `createCatalog` and for macro bodies.
 *
 * @throws {@link RunsealError} `verb.invalid` when a field is missing, malformed, unknown or contradicts another;
 *   `schema.not_describable` when a schema says what a contract can't; `macro.symbolic_value_used` and `macro.unknown_path` when
 *   the inverse does what a macro body may not
 */
export function defineVerb<
  const N extends `${string}.${string}`,
  const V extends number,
  A extends z.ZodObject,
  R extends z.ZodType,
  const M extends Mode = "sync",
  const C extends Recovery | undefined = undefined,
>(contract: VerbFields<N, V, A, R, M> & EffectFields<C, M>): Verb<N, V, A, R, M, C, false> {
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

type Core<
  N extends string,
  V extends number,
  A extends z.ZodType,
  R extends z.ZodType,
  M extends Mode,
  C extends Recovery | undefined,
> = Omit<Verb<N, V, A, R, M, C>, "handle" | "handler" | "isHandled">;

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
      ? [member(handler, "run"), member(handler, "reconcile")]
      : [core.recovery === "reconcile" ? undefined : handler];
  if (functions.every((part) => typeof part === "function")) return handler;
  const wanted = core.recovery === "reconcile" ? "{ run, reconcile }, two functions" : "a function";
  throw invalidVerb(core.name, "handler", `is not ${wanted}`);
}
