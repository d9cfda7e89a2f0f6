import type { JsonValue } from "../json/value.js";
import type { TransportGroups } from "../io/transport.js";
import { RunsealError } from "../errors/error.js";

/** One answer of a script: a response, an error to throw, or a function of the request. */
export type ScriptedAnswer =
  { readonly response: JsonValue } | { readonly error: unknown } | ((request: JsonValue) => JsonValue | Promise<JsonValue>);

/** A call that a scripted transport got. */
export interface ScriptedCall {
  readonly namespace: string;
  readonly request: JsonValue;
  readonly stepId: string;
  /** 1-based. */
  readonly attempt: number;
}

/** Transports that answer from a script, and what they were asked. */
export interface ScriptedIo {
  /** For the option `io` of `createRunseal`. */
  readonly io: { readonly transports: TransportGroups };
  /** Every call so far, in order. */
  readonly calls: readonly ScriptedCall[];
  /** Answers that nobody has asked for yet, over all groups. */
  remaining(): number;
}

/**
 * Makes transports for tests: each namespace group answers its calls in the order of its script, over all steps and attempts.
 *
 * @param script - group -> answers in order, or one function that answers every call
 * @throws {@link RunsealError} `io.unscripted` out of the call for which no answer is left; it is not retryable, so that the step fails
 */
export function scriptedIo(script: {
  readonly [group: string]: readonly ScriptedAnswer[] | ((request: JsonValue) => JsonValue | Promise<JsonValue>);
}): ScriptedIo {
  const calls: ScriptedCall[] = [];
  const left = new Map<string, ScriptedAnswer[]>();
  const transports: Record<string, TransportGroups[string]> = {};
  for (const [group, answers] of Object.entries(script)) {
    if (typeof answers !== "function") left.set(group, [...answers]);
    transports[group] = () => ({
      call: async (request, { namespace, stepId, attempt }) => {
        calls.push({ namespace, request, stepId, attempt });
        return answerWith(typeof answers === "function" ? answers : left.get(group)?.shift(), namespace, request);
      },
    });
  }
  return { io: { transports }, calls, remaining: () => [...left.values()].reduce((sum, answers) => sum + answers.length, 0) };
}

async function answerWith(answer: ScriptedAnswer | undefined, namespace: string, request: JsonValue): Promise<JsonValue> {
  if (answer === undefined)
    throw new RunsealError("io.unscripted", `the script has no answer left for "${namespace}"`, { namespace });
  if (typeof answer === "function") return answer(request);
  if ("error" in answer) throw answer.error;
  return answer.response;
}
