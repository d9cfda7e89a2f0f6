import type { JsonValue } from "runseal";
import { apply, data, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import { below } from "./pointer.js";
import { isJsonList } from "./source-node.js";
import { splitTemplate, type TextPart } from "./template-text.js";

/** Deepest nesting of an argument: beyond it a value is refused before it could exhaust a stack. */
const DEPTH_MAX = 64;

/** Says what a reference stands for; `text` = it is none, keep it as written; `undefined` = it was refused. */
export type ResolveReference = (name: string, pointer: string) => Draft | "text" | undefined;

/**
 * Turns a value with `{{ references }}` in its texts into a draft.
 *
 * A text that is one reference becomes the value itself, with its type; a reference among other text is joined to it.
 *
 * @returns `undefined` when a part was refused
 */
export function translate(
  value: JsonValue,
  pointer: string,
  resolve: ResolveReference,
  findings: Findings,
  depth = 0,
): Draft | undefined {
  if (depth > DEPTH_MAX) {
    return findings.refuse("import.too_large", pointer, `is nested deeper than ${DEPTH_MAX} levels`);
  }
  if (typeof value === "string") return translateText(value, pointer, resolve);
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    findings.note(pointer, `${value} is no integer and is written as a text, as sealed content holds decimals`);
    return data(String(value));
  }
  if (typeof value !== "object" || value === null) return data(value);
  if (isJsonList(value)) {
    const items = value.map((item, index) => translate(item, below(pointer, index), resolve, findings, depth + 1));
    return items.includes(undefined) ? undefined : { kind: "list", items: items.filter(isDraft) };
  }
  const members = Object.entries(value).map(
    ([name, member]) => [name, translate(member, below(pointer, name), resolve, findings, depth + 1)] as const,
  );
  if (members.some(([, member]) => member === undefined)) return undefined;
  return { kind: "record", members: members.flatMap(([name, member]) => (member === undefined ? [] : [[name, member]])) };
}

/** The same for a text alone. */
export function translateText(text: string, pointer: string, resolve: ResolveReference): Draft | undefined {
  const parts = splitTemplate(text).map((part) => translatePart(part, pointer, resolve));
  const [first] = parts;
  if (parts.includes(undefined)) return undefined;
  if (parts.length === 1) return first;
  const texts = parts.flatMap((part) => (part?.kind === "data" ? [textOf(part.value)] : []));
  return texts.length === parts.length ? data(texts.join("")) : apply("concat", ...parts.filter(isDraft));
}

function translatePart(part: TextPart, pointer: string, resolve: ResolveReference): Draft | undefined {
  if (part.kind === "text") return data(part.text);
  const resolved = resolve(part.name, pointer);
  return resolved === "text" ? data(part.raw) : resolved;
}

function textOf(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isDraft(draft: Draft | undefined): draft is Draft {
  return draft !== undefined;
}
