import type { JsonValue } from "../json/value.js";
import type { StepContext } from "./step-context.js";
import type { VerbContract } from "./verb.js";

/** A value that was checked against a schema: the parsed value, or every complaint as `path: what is wrong`. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly string[] };

/** What a `reconcile` handler answers about an effect whose outcome was lost. */
export type Reconciliation =
  { readonly kind: "done"; readonly result: unknown } | { readonly kind: "not_done" } | { readonly kind: "unknown" };

/** One verb as the engine calls it: its contract, its checks and its handlers. */
export interface HandlerEntry {
  readonly contract: VerbContract;
  parseArgs(value: JsonValue): Parsed<unknown>;
  parseResult(value: unknown): Parsed<JsonValue>;
  /** Absent only for `human_gate` verbs. */
  readonly run?: (args: unknown, context: StepContext) => Promise<unknown>;
  /** Present for verbs with recovery `reconcile`. */
  readonly reconcile?: (args: unknown, context: StepContext) => Promise<Reconciliation>;
}
