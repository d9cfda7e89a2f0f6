import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { StepContext } from "../model/step-context.js";
import type { VerbRef } from "../model/verb.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";
import { digestOf } from "../json/digest.js";
import { runInStep } from "./phase-guard.js";

/** A read verb to call while compiling or admitting, with arguments that are already known. */
export interface LookupQuestion {
  readonly path: string;
  readonly verb: VerbRef;
  readonly args: JsonValue;
}

/**
 * Calls the handler of a read verb outside a run and checks its answer.
 *
 * @throws {@link RunsealError} `admission.handler_missing` without a handler, `step.args_invalid`, `step.result_invalid`,
 *   `step.timeout`; what the handler itself throws comes out as it is
 */
export async function askLookup(parts: InstanceParts, question: LookupQuestion): Promise<JsonValue> {
  const entry = parts.table.entry(question.verb);
  if (entry?.run === undefined) {
    throw new RunsealError("admission.handler_missing", `the lookup "${question.path}" needs a handler for "${question.verb}"`, {
      verb: question.verb,
    });
  }
  const args = entry.parseArgs(question.args);
  if (!args.ok) throw invalid("step.args_invalid", question, args.issues);
  const run = entry.run;
  const answer = await withTimeout(parts, question, entry.contract.timeoutMs, (signal) =>
    runInStep(() => run(args.value, contextOf(parts, question, signal))),
  );
  const result = entry.parseResult(answer);
  if (!result.ok) throw invalid("step.result_invalid", question, result.issues);
  return copyCanonical(result.value);
}

function invalid(
  code: "step.args_invalid" | "step.result_invalid",
  question: LookupQuestion,
  issues: readonly string[],
): RunsealError {
  const what = code === "step.args_invalid" ? "arguments" : "answer";
  return new RunsealError(
    code,
    `the ${what} of the lookup "${question.path}" (${question.verb}) can't be used: ${issues.join("; ")}`,
    { stepId: question.path, issues },
  );
}

function withTimeout<T>(
  parts: InstanceParts,
  question: LookupQuestion,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { path } = question;
  const abort = new AbortController();
  return new Promise((resolve, reject) => {
    const timer = parts.engine.env.schedule(timeoutMs, () => {
      abort.abort();
      reject(
        new RunsealError("step.timeout", `the lookup "${path}" did not answer within ${timeoutMs} ms`, {
          stepId: path,
          timeoutMs,
        }),
      );
    });
    void call(abort.signal)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

function contextOf(parts: InstanceParts, question: LookupQuestion, signal: AbortSignal): StepContext {
  const refuse = (call: string): RunsealError =>
    new RunsealError("context.closed", `"${call}" has no meaning in a lookup: it runs before there is a run`, {
      stepId: question.path,
      call,
    });
  return {
    runId: "",
    stepId: question.path,
    attempt: 1,
    idempotencyKey: digestOf("runseal/lookup/1", {
      scope: parts.scope,
      path: question.path,
      verb: question.verb,
      args: question.args,
    }),
    signal,
    signalKey: "",
    writes: () => {
      throw refuse("writes");
    },
    park: () => {
      throw refuse("park");
    },
    log: (message, fields) => {
      parts.engine.log?.({ runId: "", stepId: question.path, message, fields: fields ?? {} });
    },
  };
}
