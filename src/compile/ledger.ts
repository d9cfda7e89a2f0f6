import type { Asked } from "./refusals.js";
import type { CompilationErrorKind, CompileRefusal, MissingField } from "../model/outcome.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { LookupsWanted, MissingLookup } from "./compile-request.js";
import { clarification, compilationError, errorFinding, warningFinding } from "./refusals.js";

/** What an expansion has found wrong or lacking so far, and the one refusal that follows from it. */
export class Ledger {
  readonly diagnostics: Diagnostic[] = [];
  readonly #findings: Diagnostic[] = [];
  readonly #unmet: Diagnostic[] = [];
  readonly #fields = new Map<string, MissingField>();
  readonly #missing: MissingLookup[] = [];
  #stopped: CompileRefusal | undefined;

  /** Whether the expansion is to end here. */
  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** A fault of the author's; the expansion goes on, to find them all. */
  fail(code: string, path: string, message: string): void {
    this.#findings.push(errorFinding(code, path, message));
  }

  /** A late value where only a sealed one can be. */
  failLate(path: string, what: string): void {
    this.fail(
      "expand.late_value",
      path,
      `${what} is decided while compiling, and asks for a value that is known only while running`,
    );
  }

  /** Something to be told that stops nothing. */
  warn(code: string, path: string, message: string): void {
    this.diagnostics.push(warningFinding(code, path, message));
  }

  /** Something that the operator has to supply or correct. */
  ask(field: MissingField): void {
    this.#fields.set(field.fieldName, field);
  }

  /** A lookup that is not answered yet. */
  want(lookup: MissingLookup): void {
    this.#missing.push(lookup);
  }

  /** A `require` of a nested macro whose answer does not hold. */
  unmet(path: string, message: string): void {
    this.#unmet.push(errorFinding("resolve.precondition", path, message));
  }

  /** Ends the expansion with one finding. */
  stop(kind: CompilationErrorKind, code: string, path: string, message: string, related?: readonly string[]): void {
    const cycle = kind === "cycle_detected" ? related : undefined;
    this.#stopped ??= compilationError(kind, [errorFinding(code, path, message, related)], cycle);
  }

  /** The refusal, or the lookups that are wanted; `undefined` when all is well. */
  refusal(asked: () => Asked): CompileRefusal | LookupsWanted | undefined {
    if (this.#stopped !== undefined) return this.#stopped;
    if (this.#findings.length > 0) return compilationError("expansion_failed", this.#findings);
    if (this.#unmet.length > 0) return compilationError("lookup_failed", this.#unmet);
    if (this.#fields.size > 0) return clarification([...this.#fields.values()], asked());
    return this.#missing.length > 0 ? { kind: "lookups", missing: this.#missing } : undefined;
  }
}
