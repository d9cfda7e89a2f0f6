import type { JsonValue, Macro, Verb } from "runseal";
import type { z } from "zod";

/** A value of a step while a document is read: data, references to be, and operators over them. */
export type Draft =
  | { readonly kind: "data"; readonly value: JsonValue }
  | { readonly kind: "list"; readonly items: readonly Draft[] }
  | { readonly kind: "record"; readonly members: readonly (readonly [name: string, value: Draft])[] }
  /** A parameter of the macro, and a path into it. */
  | { readonly kind: "param"; readonly path: readonly string[] }
  /** A value that the caller of compile binds. */
  | { readonly kind: "bind"; readonly name: string }
  /** The result of an earlier step (or the output of an earlier invocation, or the list that a loop gave). */
  | { readonly kind: "result"; readonly label: string; readonly path: readonly string[] }
  /** The current item of the step's own loop. */
  | { readonly kind: "item"; readonly path: readonly string[] }
  | { readonly kind: "apply"; readonly operator: DraftOperator; readonly of: readonly Draft[] };

/** The operators that documents need. */
export type DraftOperator = "concat" | "eq" | "not" | "all" | "any" | "exists" | "orElse";

/** One statement of a macro to be: a step, an invocation, or either for each of a fixed list. */
export interface StepDraft {
  readonly label: string;
  /** Its name in the document. */
  readonly name: string;
  readonly pointer: string;
  readonly calls: { readonly verb: Verb } | { readonly macro: Macro };
  readonly args: Draft;
  /** Labels of earlier statements. */
  readonly after: readonly string[];
  /** Decided while running where it speaks of results. Verbs only. */
  readonly when?: Draft;
  /** True: it runs though what it waits for was skipped. */
  readonly toleratesSkipped?: boolean;
  /** Present: one call for each of these, in no order among them. */
  readonly items?: readonly JsonValue[];
}

/** A macro to be. Its steps stand in an order in which each comes after what it refers to. */
export interface MacroDraft {
  readonly name: `${string}.${string}`;
  readonly params: z.ZodObject;
  readonly steps: readonly StepDraft[];
  readonly output: readonly (readonly [name: string, value: Draft])[];
}

/** A draft of plain data. */
export function data(value: JsonValue): Draft {
  return { kind: "data", value };
}

/** A draft that applies an operator. */
export function apply(operator: DraftOperator, ...of: readonly Draft[]): Draft {
  return { kind: "apply", operator, of };
}

/** A draft of an object; members that are `undefined` are left out. */
export function record(members: { readonly [name: string]: Draft | undefined }): Draft {
  return {
    kind: "record",
    members: Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  };
}

/** Joins conditions; one alone stays as it is. `undefined` when any is. */
export function joined(operator: "all" | "any", parts: readonly (Draft | undefined)[]): Draft | undefined {
  const sound = parts.filter((part) => part !== undefined);
  const [first] = sound;
  if (sound.length < parts.length || first === undefined) return undefined;
  return sound.length === 1 ? first : apply(operator, ...sound);
}
