import type { JsonValue, StepContext, Verb } from "runseal";
import { sampleValue } from "./sample-arguments.js";
import { isRecord } from "./source-node.js";

/** One call of a handler. */
export interface RecordedCall {
  readonly stepId: string;
  readonly verb: string;
  readonly args: unknown;
}

/** Handlers that do nothing but note that they were called, and answer as their contracts and their steps promise. */
export class Recorder {
  readonly calls: RecordedCall[] = [];
  /** Step ids, at the end of each call. */
  readonly ended: string[] = [];
  readonly #fails: (stepId: string) => boolean;

  /** @param fails - steps whose failure is rehearsed. Default: none. */
  constructor(fails: (stepId: string) => boolean = () => false) {
    this.#fails = fails;
  }

  /** A handler of each verb that needs one, by name. */
  handlersOf(verbs: readonly Verb[]): { readonly [verb: string]: (args: unknown, ctx: StepContext) => Promise<unknown> } {
    const needed = verbs.filter((verb) => verb.mode !== "human_gate");
    return Object.fromEntries(needed.map((verb) => [verb.name, (args, ctx) => this.#call(verb, args, ctx)]));
  }

  async #call(verb: Verb, args: unknown, ctx: StepContext): Promise<unknown> {
    this.calls.push({ stepId: ctx.stepId, verb: verb.name, args });
    // other handlers get their turn, so that an order that nothing enforces does not come about by chance
    await new Promise((resolve) => setImmediate(resolve));
    this.ended.push(ctx.stepId);
    if (verb.mode === "durable") return ctx.park();
    const answer = recordedResult(verb, args, this.#fails(ctx.stepId));
    if (this.#fails(ctx.stepId) && !("status" in answer)) throw new TypeError(`"${ctx.stepId}" fails, as rehearsed`);
    if (verb.name === "ssm.verdict") throw new TypeError("a critical step failed");
    return answer;
  }
}

/** A result that fits the verb's schema and has the outputs that the step declares. */
export function recordedResult(verb: Verb, args: unknown, fails = false): { readonly [name: string]: JsonValue } {
  const outputs = declaredOutputs(args);
  const sample = sampleValue(verb.contract.result, verb.name);
  const base = isRecord(sample) ? sample : {};
  if ("status" in base) return { ...base, status: fails ? "Failed" : "Success", output: outputs };
  return { ...base, ...outputs };
}

/** `outputs: [{ Name, Type }]`, as Automation documents declare them. */
function declaredOutputs(args: unknown): { readonly [name: string]: JsonValue } {
  if (typeof args !== "object" || args === null || !("outputs" in args) || !Array.isArray(args.outputs)) return {};
  const outputs: readonly unknown[] = args.outputs;
  return Object.fromEntries(
    outputs.flatMap((output): (readonly [string, JsonValue])[] => {
      if (typeof output !== "object" || output === null || !("Name" in output)) return [];
      return [[String(output.Name), ofType("Type" in output ? output.Type : "String", String(output.Name))]];
    }),
  );
}

function ofType(type: unknown, name: string): JsonValue {
  switch (type) {
    case "StringList":
      return [`${name}-1`];
    case "Boolean":
      return true;
    case "Integer":
      return 1;
    case "StringMap":
      return {};
    case "MapList":
      return [];
    default:
      return `${name}-1`;
  }
}
