import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { LookupQuestion } from "./lookup-question.js";
import { RunsealError } from "../errors/error.js";
import { cleanText, knownIn } from "../engine/keep-secret.js";
import { failureOf } from "../engine/failure-of.js";
import { copyCanonical } from "../json/copy.js";
import { lookupContext } from "./lookup-context.js";
import { runInStep } from "./phase-guard.js";

/**
 * Calls the handler of a read verb outside a run and checks its answer.
 *
 * @throws {@link RunsealError} `admission.handler_missing` without a handler, `step.args_invalid`, `step.result_invalid`,
 *   `step.timeout`, `secret.detected` when the answer holds a secret that was handed out; what the handler itself throws comes out as it is
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
    runInStep(() => run(args.value, lookupContext(parts, question, signal))),
  ).catch((error: unknown) => {
    throw withoutSecrets(parts, question, error);
  });
  const result = entry.parseResult(answer);
  if (!result.ok) throw invalid("step.result_invalid", question, result.issues);
  const value = copyCanonical(result.value);
  // a value taken out would be sealed as if it had been the answer
  if (knownIn(parts.engine, parts.scope)?.holds(value) === true) throw secretAnswer(question);
  return value;
}

function secretAnswer({ path, verb }: LookupQuestion): RunsealError<"secret.detected"> {
  const message = `the answer of the lookup "${path}" (${verb}) holds a secret that was handed out, and answers are sealed`;
  return new RunsealError("secret.detected", message, { pointer: "", rule: "known_secret" });
}

/** What a handler threw, as it is unless its message holds a secret that was handed out. */
function withoutSecrets(parts: InstanceParts, question: LookupQuestion, error: unknown): unknown {
  const known = knownIn(parts.engine, parts.scope);
  if (known === undefined) return error;
  const secrets: string[] = [];
  const { message } = failureOf(error, (text) => {
    if (known.isIn(text)) secrets.push(text);
    return cleanText(text, known);
  });
  return secrets.length > 0 ? new RunsealError("step.handler_threw", message, { stepId: question.path }) : error;
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
