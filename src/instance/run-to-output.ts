import type { CompileContext, Invocation } from "../model/invocation.js";
import type { CompileRefusal } from "../model/outcome.js";
import type { InstanceParts } from "./parts.js";
import type { RunOptions } from "./run-options.js";
import type { RunResult } from "../model/run.js";
import { RunsealError } from "../errors/error.js";
import { compile } from "./compile.js";
import { execute } from "./execute.js";
import { resultOf } from "./run-result.js";

/**
 * Compiles, executes, waits, and gives the output.
 *
 * @throws {@link RunsealError} `compile.refused`, `run.not_completed`, and every refusal of admission
 */
export async function runToOutput<O>(
  parts: InstanceParts,
  invocation: Invocation,
  options: CompileContext & RunOptions,
): Promise<O> {
  const outcome = await compile(parts, invocation, { ...options, intent: options.intent ?? `run-${parts.engine.env.uuid()}` });
  if (outcome.kind !== "compiled") throw refused(invocation.name, outcome);
  const result = await resultOf<O>(parts, await execute(parts, outcome.runbook.id, runOptionsOf(options)));
  if (result.status === "completed") return result.output;
  throw notCompleted(invocation.name, result);
}

function runOptionsOf(options: RunOptions): RunOptions {
  const { dedupKey, queue, priority, labels, concurrency } = options;
  return {
    ...(dedupKey === undefined ? {} : { dedupKey }),
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority }),
    ...(labels === undefined ? {} : { labels }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

function refused(name: string, outcome: CompileRefusal): RunsealError {
  const reason = reasonOf(outcome);
  return new RunsealError("compile.refused", `"${name}" was not compiled (${outcome.kind}): ${reason}`, {
    outcome: outcome.kind,
    reason,
  });
}

function reasonOf(outcome: CompileRefusal): string {
  switch (outcome.kind) {
    case "clarification":
      return outcome.missingFields.map((field) => field.message).join("; ");
    case "constraint_violation":
      return outcome.explanation;
    case "compilation_error":
      return outcome.message;
  }
}

function notCompleted<O>(name: string, result: Exclude<RunResult<O>, { readonly status: "completed" }>): RunsealError {
  const { runId, status } = result;
  const why = result.status === "failed" ? `${result.code}: ${result.message}` : result.reason;
  const way = status === "parked" ? "; use compile and execute where a run may wait" : "";
  return new RunsealError("run.not_completed", `run "${runId}" of "${name}" is ${status} (${why})${way}`, {
    runId,
    status,
    reason: why,
  });
}
