import { defineMacro, type Arg, type Expr, type Macro } from "runseal";
import { z } from "zod";
import type { Draft, MacroDraft, StepDraft } from "./draft.js";

type Words = Parameters<Parameters<typeof defineMacro>[0]["body"]>[0];

/** A statement that was recorded, by label: what `after` and `result` name. */
type Recorded = ReturnType<Words["step"]> | Expr<unknown, "late">;

interface Recording {
  readonly words: Words;
  readonly recorded: Map<string, Recorded>;
  /** The current item, inside of a loop. */
  readonly item?: Expr<unknown>;
}

const LOOP_KEY = /^[A-Za-z0-9_.:-]{1,63}$/;

/**
 * Defines the macro that a draft describes.
 *
 * @throws {@link RunsealError} whatever `defineMacro` refuses; importers report it as a refusal of the document
 */
export function defineDraft(draft: MacroDraft): Macro {
  return defineMacro({
    name: draft.name,
    version: 1,
    params: draft.params,
    body: (words) => {
      const recording: Recording = { words, recorded: new Map() };
      for (const step of draft.steps) recording.recorded.set(step.label, recordStatement(step, recording));
      return Object.fromEntries(draft.output.map(([name, value]) => [name, valueOf(value, recording)]));
    },
  });
}

function recordStatement(step: StepDraft, recording: Recording): Recorded {
  const { items } = step;
  if (items === undefined) return recordCall(step.label, step, recording);
  const keys = items.map((item) => (typeof item === "string" || typeof item === "number" ? String(item) : ""));
  const isNaming = keys.every((text) => LOOP_KEY.test(text)) && new Set(keys).size === keys.length;
  // a list that is known while importing is a literal, which forEach takes as it takes a parameter
  const list: unknown = items;
  const each = (item: Expr<unknown, "sealed">): Expr<unknown> => {
    const call = recordCall("each", step, { ...recording, item });
    return call.result;
  };
  const key = isNaming ? (item: Expr<unknown, "sealed">) => item as Expr<string, "sealed"> : "index";
  return recording.words.forEach(step.label, list as Expr<readonly unknown[], "sealed">, { key }, each);
}

function recordCall(label: string, step: StepDraft, recording: Recording): ReturnType<Words["step"]> {
  const { words, recorded } = recording;
  const after = step.after.flatMap((before) => recorded.get(before) ?? []);
  const args = valueOf(step.args, recording);
  if ("macro" in step.calls) return words.invoke(label, step.calls.macro, args, { after });
  return words.step(label, step.calls.verb, args, {
    after,
    sentence: step.name,
    ...(step.when === undefined ? {} : { when: conditionOf(step.when, recording) }),
    ...(step.toleratesSkipped === true ? { optional: true as const } : {}),
  });
}

function conditionOf(draft: Draft, recording: Recording): Expr<boolean> {
  const value = valueOf(draft, recording);
  // `all` of one operand turns a literal into an expression
  return (typeof value === "function" ? value : recording.words.all(value as never)) as Expr<boolean>;
}

function valueOf(draft: Draft, recording: Recording): Arg<unknown> {
  const { words, recorded, item } = recording;
  switch (draft.kind) {
    case "data":
      return draft.value;
    case "list":
      return draft.items.map((part) => valueOf(part, recording));
    case "record":
      return Object.fromEntries(draft.members.map(([name, part]) => [name, valueOf(part, recording)]));
    case "param":
      return at(words, words.params, draft.path);
    case "bind":
      return words.bind(draft.name, z.string());
    case "item":
      return item === undefined ? null : at(words, item, draft.path);
    case "result": {
      const target = recorded.get(draft.label);
      if (target === undefined) return null;
      return at(words, typeof target === "function" ? target : target.result, draft.path);
    }
    case "apply":
      return apply(
        words,
        draft.operator,
        draft.of.map((part) => valueOf(part, recording)),
      );
  }
}

function at(words: Words, value: Expr<unknown>, path: readonly string[]): Expr<unknown> {
  return path.reduce<Expr<unknown>>((inner, name) => words.at(inner, name), value);
}

function apply(
  words: Words,
  operator: Extract<Draft, { kind: "apply" }>["operator"],
  of: readonly Arg<unknown>[],
): Expr<unknown> {
  // the words check their operands while recording, as they do for a body that a person wrote
  const word = words[operator] as (...operands: readonly unknown[]) => Expr<unknown>;
  return word(...of);
}
