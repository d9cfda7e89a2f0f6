import type { Catalog } from "../catalog/catalog.js";
import type { Digest } from "../model/ids.js";
import type { HandlerEntry, Parsed, Reconciliation } from "../model/handler-entry.js";
import type { JsonValue } from "../json/value.js";
import type { ParsedValue } from "../catalog/parse-value.js";
import type { StepContext } from "../model/step-context.js";
import type { Verb } from "../catalog/verb.js";
import type { VerbRef } from "../model/verb.js";
import { RunsealError } from "../errors/error.js";
import { issueText, parseArgs, parseResult } from "../catalog/parse-value.js";
import { verbRef } from "../model/verb.js";

type Run = (args: unknown, context: StepContext) => Promise<unknown>;
type Reconcile = (args: unknown, context: StepContext) => Promise<Reconciliation>;

/** The verbs of a catalog as the engine calls them. */
export interface HandlerTable {
  entry(ref: VerbRef): HandlerEntry | undefined;
  /** Contracts that this instance can carry out: a worker claims only runs that need no other. */
  readonly served: ReadonlySet<Digest>;
}

/**
 * Binds handlers to verbs. The key of a handler is the verb's name, or `name@version` where the catalog holds several versions.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for a handler of no verb, or one that is not what its verb needs
 */
export function handlerTable(catalog: Catalog, handlers: { readonly [key: string]: unknown }): HandlerTable {
  const entries = new Map<string, HandlerEntry>();
  const used = new Set<string>();
  for (const verb of catalog.verbs) {
    const key = handlerKey(verb, handlers);
    if (key !== undefined) used.add(key);
    entries.set(verbRef(verb), entryOf(verb, key === undefined ? verb.handler : handlers[key]));
  }
  refuseUnused(handlers, used, catalog);
  const served = [...entries.values()].filter(isServed).map((entry) => entry.contract.digest);
  return { entry: (ref) => entries.get(ref), served: new Set(served) };
}

/** Tells whether a verb can be carried out with what the entry holds. */
export function isServed(entry: HandlerEntry): boolean {
  if (entry.contract.recovery === "reconcile" && entry.reconcile === undefined) return false;
  return entry.run !== undefined || entry.contract.mode === "human_gate";
}

function handlerKey(verb: Verb, handlers: { readonly [key: string]: unknown }): string | undefined {
  return [verbRef(verb), verb.name].find((key) => Object.hasOwn(handlers, key) && handlers[key] !== undefined);
}

function entryOf(verb: Verb, handler: unknown): HandlerEntry {
  const checks = {
    contract: verb.contract,
    parseArgs: (value: unknown) => inWords(parseArgs(verb, value)),
    parseResult: (value: unknown) => inWords(parseResult(verb, value)),
  };
  if (handler === undefined) return checks;
  if (verb.contract.recovery === "reconcile") {
    if (!isReconciling(handler)) throw misfit(verb, "an object { run, reconcile }, because its recovery is reconcile");
    return {
      ...checks,
      run: (args, context) => handler.run(args, context),
      reconcile: (args, context) => handler.reconcile(args, context),
    };
  }
  if (!isFunction(handler)) throw misfit(verb, "a function (args, ctx)");
  return { ...checks, run: handler };
}

function inWords(parsed: ParsedValue): Parsed<JsonValue> {
  return parsed.ok ? parsed : { ok: false, issues: parsed.issues.map(issueText) };
}

function refuseUnused(handlers: { readonly [key: string]: unknown }, used: ReadonlySet<string>, catalog: Catalog): void {
  for (const key of Object.keys(handlers)) {
    if (used.has(key) || handlers[key] === undefined) continue;
    const near = catalog.suggest(key);
    const hint = near.length === 0 ? "" : `; did you mean ${near.map((name) => `"${name}"`).join(" or ")}`;
    throw new RunsealError("instance.misconfigured", `the handler "${key}" belongs to no verb of the catalog${hint}`, {
      option: `handlers.${key}`,
    });
  }
}

function misfit(verb: Verb, needed: string): RunsealError {
  return new RunsealError("instance.misconfigured", `the handler of "${verb.name}" must be ${needed}`, {
    option: `handlers.${verb.name}`,
  });
}

function isFunction(value: unknown): value is Run {
  return typeof value === "function";
}

function isReconciling(value: unknown): value is { run: Run; reconcile: Reconcile } {
  return (
    typeof value === "object" &&
    value !== null &&
    "run" in value &&
    "reconcile" in value &&
    isFunction(value.run) &&
    isFunction(value.reconcile)
  );
}
