import type { Clarification, CompilationError, CompilationErrorKind, MissingField } from "../model/outcome.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { RunsealError } from "../errors/error.js";
import { isRunsealError } from "../errors/error.js";
import { ERROR_KIND_PASS } from "../model/outcome.js";

/** A finding that stops a compilation. */
export function errorFinding(code: string, path: string, message: string, related: readonly string[] = []): Diagnostic {
  return { code, severity: "error", message, path, related };
}

/** A finding that is only told. */
export function warningFinding(code: string, path: string, message: string, related: readonly string[] = []): Diagnostic {
  return { code, severity: "warning", message, path, related };
}

/**
 * A compilation error of a kind, from the pass that owns it, with all findings of that pass.
 *
 * @param findings - at least one, in a stable order; the first gives the message
 */
export function compilationError(
  errorKind: CompilationErrorKind,
  findings: readonly Diagnostic[],
  cycle?: readonly string[],
): CompilationError {
  const [first] = findings;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : "";
  return {
    kind: "compilation_error",
    errorKind,
    sourcePhase: ERROR_KIND_PASS[errorKind],
    message: `${first?.message ?? errorKind}${more}`,
    findings,
    ...(cycle === undefined ? {} : { cycle }),
  };
}

/** The store could not keep a sealed runbook; `error` is whatever it threw. */
export function storeFailed(error: unknown): CompilationError {
  const code = isRunsealError(error) ? error.code : "store.failed";
  const reason = error instanceof Error ? error.message : "the store failed";
  return compilationError("store_failed", [errorFinding(code, "", `the runbook could not be stored: ${reason}`)]);
}

/** The compiler itself is wrong: a broken invariant is reported as an outcome, because nothing was stored. */
export function internalError(error: RunsealError): CompilationError {
  return compilationError("internal_error", [errorFinding(error.code, "", error.message)]);
}

/** What the clarification is about. */
export interface Asked {
  readonly name: string;
  readonly isMacro: boolean;
  readonly extractedArgs: { readonly [name: string]: string };
}

/** Asks the operator for everything that is missing or wrong, at once. */
export function clarification(fields: readonly MissingField[], asked: Asked): Clarification {
  return { kind: "clarification", question: question(fields, asked.name), missingFields: fields, context: asked };
}

function question(fields: readonly MissingField[], name: string): string {
  const names = fields.map((field) => `"${field.fieldName}"`).join(", ");
  const what = fields.length === 1 ? "one thing" : `${fields.length} things`;
  return `"${name}" can't be compiled yet: ${what} to supply or correct: ${names}`;
}
