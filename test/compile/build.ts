import type { BodyItem, MacroDefinition } from "../../src/model/macro.js";
import type { CompileCatalog, CompileRequest, CompileVerb } from "../../src/compile/compile-request.js";
import type { CompileContext } from "../../src/model/invocation.js";
import type { Pack } from "../../src/model/pack.js";
import type { SchemaDescription } from "../../src/model/schema-description.js";
import type { Tree } from "../../src/model/expression.js";
import type { VerbContract } from "../../src/model/verb.js";
import { digestOf } from "../../src/json/digest.js";
import { LIMIT_PROFILES } from "../../src/model/limits.js";
import { suggestFrom } from "../../src/catalog/suggest.js";

/** A short way to write descriptions: every field required unless wrapped in `opt` or `def`. */
export const text: SchemaDescription = { type: "string" };
export const integer: SchemaDescription = { type: "integer" };
export const flag: SchemaDescription = { type: "boolean" };
export const json: SchemaDescription = { type: "json" };
export const oneOf = (...values: string[]): SchemaDescription => ({ type: "enum", values: [...values].sort() });
export const listOf = (item: SchemaDescription): SchemaDescription => ({ type: "array", item });
export const opt = (of: SchemaDescription): SchemaDescription => ({ type: "optional", of });
export const reads = (kind: string): SchemaDescription => ({ type: "string", subject: { kind, access: "read" } });
export const writes = (kind: string): SchemaDescription => ({ type: "string", subject: { kind, access: "write" } });
export const plain: SchemaDescription = { type: "string", plain: true };

export function obj(fields: Record<string, SchemaDescription>): SchemaDescription {
  const required = Object.keys(fields)
    .filter((name) => !["optional", "default"].includes(fields[name]?.type ?? ""))
    .sort();
  return { type: "object", fields, required, unknown: "refuse" };
}

/** A writing verb (recovery idempotent) unless told otherwise. */
export function verb(name: string, args: Record<string, SchemaDescription>, more: Partial<VerbContract> = {}): CompileVerb {
  const effect = more.effect ?? "write";
  const meaning = { name, version: 1, args: obj(args), result: json, effect, mode: "sync" as const };
  const contract: VerbContract = {
    ...meaning,
    ...(effect === "write" ? { recovery: "idempotent" as const } : {}),
    retired: false,
    retry: { attemptsMax: 3, baseMs: 200, maxMs: 30_000 },
    timeoutMs: 300_000,
    tags: [],
    replayable: false,
    digest: digestOf("runseal/contract/1", { ...meaning, more: JSON.stringify(more) }),
    ...more,
  };
  return { contract };
}

export function macro(
  name: string,
  params: Record<string, SchemaDescription>,
  body: readonly BodyItem[],
  output: Tree = {},
): MacroDefinition {
  const meaning = { name, version: 1, params: obj(params), body, output };
  return { ...meaning, digest: digestOf("runseal/macro/1", JSON.parse(JSON.stringify(meaning))) };
}

export function step(
  label: string,
  verbName: string,
  args: Tree,
  more: Partial<Extract<BodyItem, { kind: "step" }>> = {},
): BodyItem {
  return { kind: "step", label, verb: verbName, args, after: [], ...more };
}

export function invoke(label: string, macroName: string, args: Tree = {}, after: readonly string[] = []): BodyItem {
  return { kind: "invoke", label, macro: macroName, args, after };
}

export function each(
  label: string,
  list: Tree,
  body: readonly BodyItem[],
  yields: Tree = null,
  key: Extract<BodyItem, { kind: "for_each" }>["key"] = { by: "item" },
): BodyItem {
  return { kind: "for_each", label, list, key, body, yields };
}

export function when(condition: Tree, then: readonly BodyItem[], otherwise: readonly BodyItem[] = []): BodyItem {
  return { kind: "when", condition, then, otherwise };
}

export const param = (...path: string[]): Tree => ({ $: "param", path });
export const item = (loop: string, ...path: string[]): Tree => ({ $: "item", loop, path });
export const result = (stepPath: string, ...path: string[]): Tree => ({ $: "result", step: stepPath, path });
export const collect = (loop: string, ...path: string[]): Tree => ({ $: "collect", loop, path });
export const concat = (...of: Tree[]): Tree => ({ $: "concat", of });
export const eq = (...of: Tree[]): Tree => ({ $: "eq", of });
export const bind = (name: string, ...path: string[]): Tree => ({ $: "bind", name, path });
export const answer = (lookup: string, ...path: string[]): Tree => ({ $: "lookup", lookup, path });
export const allocate = (kind: string, ordinal = 0, loop?: string): Tree => ({
  $: "allocate",
  kind,
  ordinal,
  ...(loop === undefined ? {} : { loop }),
});

export function catalog(
  verbs: readonly CompileVerb[],
  macros: readonly MacroDefinition[] = [],
  packs: readonly Pack[] = [],
): CompileCatalog {
  const verbsByName = new Map(verbs.map((entry) => [entry.contract.name, entry]));
  const macrosByName = new Map(macros.map((definition) => [definition.name, { definition }]));
  return {
    verbs,
    packs,
    verb: (name) => verbsByName.get(name),
    macro: (name) => macrosByName.get(name),
    pack: (id) => packs.find((pack) => pack.id === id),
    suggest: (name) => suggestFrom([...verbsByName.keys(), ...macrosByName.keys()], name),
  };
}

/** A request in which everything is allowed and the intent is `ticket-1`. */
export function request(
  from: CompileCatalog,
  name: string,
  args: unknown = {},
  more: Partial<CompileRequest> & { readonly context?: CompileContext } = {},
): CompileRequest {
  return {
    catalog: from,
    scope: "default",
    invocation: { name, args },
    allowed: "all",
    limits: LIMIT_PROFILES.runbook,
    ...more,
    context: { intent: "ticket-1", ...more.context },
  };
}
