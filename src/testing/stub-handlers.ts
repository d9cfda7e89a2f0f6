import type { Catalog } from "../catalog/catalog.js";
import type { Handlers } from "../catalog/handlers.js";
import type { Verb } from "../catalog/verb.js";
import { RunsealError } from "../errors/error.js";
import { verbRef } from "../model/verb.js";

/** One call that a stub answered. */
export interface StubCall {
  readonly verb: string;
  readonly args: unknown;
  readonly stepId: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
}

/** What a stub answers: a value, or a function of the arguments. */
export type StubAnswer = unknown;

/**
 * Handlers for every verb of a catalog that answer from a table and remember who called.
 *
 * @param answers - by verb name or `name@version`; a function is called with the arguments and the context
 * @throws {@link RunsealError} `step.handler_threw` at the call of a verb without an answer
 */
export function stubHandlers<C extends Catalog>(
  catalog: C,
  answers: { readonly [verb: string]: StubAnswer } = {},
): { readonly handlers: Handlers<C>; readonly calls: readonly StubCall[] } {
  const calls: StubCall[] = [];
  const handlers: Record<string, unknown> = {};
  for (const verb of catalog.verbs) handlers[keyOf(catalog, verb)] = stubOf(verb, answers, calls);
  return { handlers: handlers as Handlers<C>, calls };
}

function keyOf(catalog: Catalog, verb: Verb): string {
  return catalog.verbs.some((other) => other !== verb && other.name === verb.name) ? verbRef(verb) : verb.name;
}

function stubOf(verb: Verb, answers: { readonly [verb: string]: StubAnswer }, calls: StubCall[]): unknown {
  const run = async (
    args: unknown,
    context: { readonly stepId: string; readonly attempt: number; readonly idempotencyKey: string },
  ): Promise<unknown> => {
    const { stepId, attempt, idempotencyKey } = context;
    calls.push({ verb: verbRef(verb), args, stepId, attempt, idempotencyKey });
    const key = [verbRef(verb), verb.name].find((name) => Object.hasOwn(answers, name));
    if (key === undefined)
      throw new RunsealError("step.handler_threw", `no stub answers "${verb.name}": pass one to stubHandlers`, { stepId });
    const answer = answers[key];
    return typeof answer === "function" ? await (answer as (args: unknown, context: unknown) => unknown)(args, context) : answer;
  };
  return verb.contract.recovery === "reconcile" ? { run, reconcile: () => Promise.resolve({ kind: "unknown" }) } : run;
}
