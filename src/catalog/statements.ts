import type { Recheck } from "../model/macro.js";
import type { Tree } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { jsonPointer } from "../json/walk.js";
import { referencesOf, type Reference } from "../expression/references.js";
import type { Body, StepOptions } from "./body.js";
import { checkTree, type CheckOptions } from "./check-tree.js";
import type { Macro } from "./macro.js";
import { issueText } from "./parse-value.js";
import type { Recording } from "./recording.js";
import { makeReference, targetOf } from "./reference.js";
import { shapeOf } from "./shape.js";
import type { SchemaDescription } from "../model/schema-description.js";
import { nodeOf, symbolic } from "./symbolic.js";
import type { Verb } from "./verb.js";
import { member } from "./schema-definition.js";

type Statements = Pick<Body<unknown>, "step" | "invoke" | "lookup" | "require">;

/** The words of a body that call verbs and macros. */
export function statementsOf(recording: Recording): Statements {
  return {
    step: recording.word((label, verb, args, options) => step(recording, label, verb, args, options)),
    invoke: recording.word((label, macro, args, options) => {
      const path = recording.take(label);
      const target = checkedMacro(recording, path.join("/"), macro);
      const tree = argumentsOf(recording, path.join("/"), args, target.definition.params);
      recording.add({ kind: "invoke", label, macro: target.name, args: tree, after: awaited(recording, options?.after) });
      return reference(recording, path, target.outputShape);
    }),
    lookup: recording.word((label, verb, args, options) => {
      const path = recording.take(label).join("/");
      const tree = question(recording, path, verb, args);
      recording.add({ kind: "lookup", label, verb: verb.name, args: tree, recheck: recheckOf(recording, path, options) });
      return symbolic({
        tree: { $: "lookup", lookup: path, path: [] },
        phase: "sealed",
        shape: shapeOf(verb.contract.result),
        owner: recording,
        block: recording.block,
      });
    }),
    require: recording.word((label, verb, args, expected, options) => {
      const path = recording.take(label).join("/");
      const tree = question(recording, path, verb, args);
      const wanted = recording.sealed(expected, path, "the expectation");
      checkArguments(recording, path, wanted, verb.contract.result, { isPartial: true });
      const recheck = recheckOf(recording, path, options);
      recording.add({ kind: "require", label, verb: verb.name, args: tree, expected: wanted, recheck });
    }),
  };
}

function step<R>(
  recording: Recording,
  label: string,
  verb: Verb,
  args: unknown,
  options: StepOptions = {},
): ReturnType<typeof makeReference<R>> {
  const path = recording.take(label);
  const id = path.join("/");
  const target = checkedVerb(recording, id, verb);
  const { when, mode, optional, sentence } = options;
  if (mode !== undefined && !["sync", "durable", "human_gate"].includes(mode))
    recording.invalid("body", `gives "${id}" the mode ${mode}`);
  if (sentence !== undefined && typeof sentence !== "string")
    recording.invalid("body", `gives "${id}" a sentence that is no text`);
  recording.add({
    kind: "step",
    label,
    verb: target.name,
    args: argumentsOf(recording, id, args, target.contract.args),
    after: awaited(recording, options.after),
    ...(when === undefined ? {} : { when: recording.value(when).tree }),
    ...(mode === undefined ? {} : { mode }),
    ...(optional === undefined ? {} : { optional: optional === true ? "all" : awaited(recording, optional) }),
    ...(sentence === undefined ? {} : { sentence }),
  });
  return reference(recording, path, shapeOf(target.contract.result));
}

function reference<R>(
  recording: Recording,
  path: readonly string[],
  shape: ReturnType<typeof shapeOf>,
): ReturnType<typeof makeReference<R>> {
  return makeReference({ owner: recording, block: recording.block, path: path.join("/") }, shape);
}

/** A verb that a plan may ask: it doesn't write, and answers at once. */
function question(recording: Recording, path: string, verb: Verb, args: unknown): Tree {
  const { contract } = checkedVerb(recording, path, verb);
  if (contract.effect === "write")
    recording.invalid("body", `asks "${path}" of "${contract.name}", which writes; make it a step`);
  if (contract.mode !== "sync") recording.invalid("body", `asks "${path}" of "${contract.name}", which does not answer at once`);
  const tree = recording.sealed(args, path, "an argument");
  checkArguments(recording, path, tree, contract.args);
  return tree;
}

function argumentsOf(recording: Recording, path: string, args: unknown, description: SchemaDescription): Tree {
  const { tree } = recording.value(args);
  checkArguments(recording, path, tree, description);
  return tree;
}

function checkArguments(
  recording: Recording,
  path: string,
  tree: Tree,
  description: SchemaDescription,
  options?: CheckOptions,
): void {
  const issues = checkTree(tree, description, options);
  const [first] = issues;
  if (first === undefined) return;
  const pointer = jsonPointer(first.path);
  const message = `"${path}" in "${recording.name}": ${issues.map(issueText).join("; ")}`;
  recording.refuse(new RunsealError("macro.invalid_argument", message, { macro: recording.name, path, pointer }));
}

function checkedVerb(recording: Recording, path: string, verb: Verb): Verb {
  return isKind(verb, "verb") ? verb : recording.invalid("body", `calls something at "${path}" that is no verb`);
}

function checkedMacro(recording: Recording, path: string, macro: Macro): Macro {
  return isKind(macro, "macro") ? macro : recording.invalid("body", `invokes something at "${path}" that is no macro`);
}

function isKind(value: unknown, kind: string): boolean {
  return typeof value === "object" && value !== null && member(value, "kind") === kind;
}

function recheckOf(recording: Recording, path: string, options: { readonly recheck?: Recheck } | undefined): Recheck {
  const recheck = options?.recheck ?? "at_admission";
  if (["at_admission", "on_resume", "never"].includes(recheck)) return recheck;
  return recording.invalid("body", `asks "${path}" again "${recheck}"; it is at_admission, on_resume or never`);
}

/** Paths of the steps, invocations and loops that are waited for, each once. */
function awaited(recording: Recording, given: readonly unknown[] = []): readonly string[] {
  if (!Array.isArray(given)) recording.invalid("body", "waits for something that is no list of steps");
  return [...new Set(given.flatMap((one) => pathsOf(recording, one)))];
}

function pathsOf(recording: Recording, one: unknown): readonly string[] {
  const target = targetOf(one);
  if (target !== undefined) {
    recording.checkReference(target);
    return [target.path];
  }
  const node = nodeOf(one);
  const paths = node === undefined ? [] : referencesOf(recording.value(one).tree).flatMap(stepOf);
  return paths.length > 0 ? paths : recording.invalid("body", "waits for something that is no step, invocation or loop");
}

function stepOf(reference: Reference): readonly string[] {
  if (reference.$ === "result") return [reference.step];
  return reference.$ === "collect" ? [reference.loop] : [];
}
