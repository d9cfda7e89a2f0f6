import type { z } from "zod";
import type { BodyItem, MacroDefinition } from "../model/macro.js";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import { copyCanonical } from "../json/copy.js";
import { digestOf } from "../json/digest.js";
import { blocksOf } from "./blocks.js";
import type { Body } from "./body.js";
import { describeSchema } from "./describe-schema.js";
import type { Expr, Output, OutputOfBody, OutputValue } from "./expr.js";
import type { Macro } from "./macro.js";
import { isName, isVersion } from "./name.js";
import { operatorsOf } from "./operators.js";
import { outputShape } from "./output-shape.js";
import { Recording } from "./recording.js";
import { refuseUnknown } from "./refuse-unknown.js";
import { isSchema } from "./schema-definition.js";
import { shapeOf, type Shape } from "./shape.js";
import { statementsOf } from "./statements.js";
import { nodeOf, symbolic } from "./symbolic.js";
import { valuesOf } from "./values.js";

const FIELDS = new Set(["name", "version", "params", "body", "title"]);

/** Names that JavaScript asks of every value, so that no parameter can have them. */
const RESERVED = ["length", "map", "then", "toJSON", "toString", "valueOf", "constructor", "prototype", "__proto__"];

/** What a macro body may return: a record of outputs, or one value. */
export type MacroOutput = OutputValue & (Expr<unknown> | { readonly [name: string]: OutputValue } | undefined);

/** What `defineMacro` is given. */
export interface MacroFields<N extends string, P extends z.ZodType, O> {
  /** `domain.action`, as verbs are named. */
  readonly name: N;
  /** 1 or more. */
  readonly version: number;
  /** An object schema. */
  readonly params: P;
  /** Called once, while the macro is defined, with symbolic values; must not be async. */
  readonly body: (body: Body<z.output<P>>) => O;
  /** For people. */
  readonly title?: string;
}

/**
 * Defines a macro: runs its body once with symbolic values, and keeps what it recorded as data.
 *
 * No code of the body runs when the macro is expanded. What is ordinary JavaScript on a value that isn't there yet doesn't
 * compile or throws here, because its answer would be frozen into every plan.
 *
 * @throws {@link RunsealError} `macro.invalid` for a malformed field or word; `macro.symbolic_value_used`,
 *   `macro.unknown_path`, `macro.invalid_label`, `macro.duplicate_label`, `macro.invalid_argument`, `macro.late_value`,
 *   `macro.out_of_scope`, `macro.async_body`, `value.not_canonical`, `secret.detected` for what the body does;
 *   `schema.not_describable` for its parameters; whatever the body itself throws
 */
export function defineMacro<
  const N extends `${string}.${string}`,
  P extends z.ZodObject,
  const O extends Output<MacroOutput> = void,
>(fields: MacroFields<N, P, O>): Macro<N, P, OutputOfBody<O>> {
  const recording = new Recording(nameOf(fields));
  const params = checkedParams(recording, fields);
  const { body, output } = run(recording, fields.body, params);
  const { name, version, title } = fields;
  const bindings = recording.bindings.size === 0 ? {} : { bindings: Object.fromEntries(recording.bindings) };
  const meaning = { name, version, params, body, output: output.tree, ...bindings };
  const definition: MacroDefinition = {
    ...meaning,
    ...(title === undefined ? {} : { title }),
    digest: digestOf("runseal/macro/1", { ...meaning, body: body.map(withoutSentences) }),
  };
  return Object.freeze({
    kind: "macro",
    name,
    version,
    params: fields.params,
    definition: Object.freeze({ ...definition, ...(copyCanonical(definition) as object) }),
    outputShape: output.shape,
  });
}

function run<P>(
  recording: Recording,
  body: (words: Body<P>) => unknown,
  params: SchemaDescription,
): { readonly body: readonly BodyItem[]; readonly output: { readonly tree: Tree; readonly shape: Shape } } {
  const words: Body<P> = {
    params: symbolic<P, "sealed">({
      tree: { $: "param", path: [] },
      phase: "sealed",
      shape: shapeOf(params),
      owner: recording,
      block: recording.root,
    }),
    ...statementsOf(recording),
    ...blocksOf(recording),
    ...operatorsOf(recording),
    ...valuesOf(recording),
  };
  const speak = recording.word(() => {
    const returned = body(words);
    recording.refusePromise(returned);
    return { tree: outputOf(recording, returned), shape: outputShape(returned) };
  });
  try {
    return { output: speak(), body: recording.root.items };
  } finally {
    recording.close();
  }
}

function outputOf(recording: Recording, returned: unknown): Tree {
  const tree = recording.output(returned, "the body");
  const isRecord = nodeOf(returned) !== undefined || (typeof tree === "object" && !Array.isArray(tree));
  return isRecord ? tree : recording.invalid("body", "gives something that is no record of outputs");
}

function nameOf(fields: { readonly name: unknown }): string {
  return typeof (fields as unknown) === "object" && (fields as unknown) !== null ? String(fields.name) : "?";
}

type AnyFields = Omit<MacroFields<string, z.ZodType, unknown>, "body"> & { readonly body: unknown };

function checkedParams(recording: Recording, fields: AnyFields): SchemaDescription {
  if (typeof (fields as unknown) !== "object" || (fields as unknown) === null) recording.invalid("definition", "is no object");
  const stray = Object.keys(fields).find((field) => !FIELDS.has(field));
  if (stray !== undefined) recording.invalid(stray, "is not a field of a macro");
  if (!isName(fields.name)) recording.invalid("name", 'is not "domain.action" in lower-case letters, digits and _');
  if (!isVersion(fields.version)) recording.invalid("version", "is not 1, 2, 3 ...");
  if (fields.title !== undefined && typeof fields.title !== "string") recording.invalid("title", "is no text");
  if (typeof fields.body !== "function") recording.invalid("body", "is no function");
  if (isAsync(fields.body)) recording.refuseAsync();
  if (!isSchema(fields.params)) recording.invalid("params", "are no zod 4 schema");
  const params = refuseUnknown(describeSchema(fields.params));
  if (params.type !== "object") return recording.invalid("params", "are no object; use z.object({ ... })");
  const reserved = RESERVED.find((name) => Object.hasOwn(params.fields, name));
  return reserved === undefined
    ? params
    : recording.invalid("params", `have the name "${reserved}", which JavaScript keeps for itself`);
}

/** An async body would have run up to its first await before the promise could be seen. */
function isAsync(body: unknown): boolean {
  return ["[object AsyncFunction]", "[object AsyncGeneratorFunction]"].includes(Object.prototype.toString.call(body));
}

function withoutSentences(item: BodyItem): BodyItem {
  switch (item.kind) {
    case "step": {
      const { sentence: _, ...meaning } = item;
      return meaning;
    }
    case "for_each":
      return { ...item, body: item.body.map(withoutSentences) };
    case "when":
      return { ...item, then: item.then.map(withoutSentences), otherwise: item.otherwise.map(withoutSentences) };
    default:
      return item;
  }
}
