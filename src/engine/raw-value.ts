import type { JsonValue } from "../json/value.js";
import { wellFormed } from "./well-formed.js";

/** How much of a value that can't be stored is shown. */
const NODES_MAX = 10_000;
const DEPTH_MAX = 32;
const TEXT_MAX = 4_096;

/**
 * A picture of a value that is outside the value model, for the person who must settle what happened.
 *
 * Never throws and never runs getters; what is no JSON is named in brackets, what is too much is left out and said to be.
 */
export function pictureOf(value: unknown, clean: (text: string) => string = same): JsonValue {
  const budget = { nodes: NODES_MAX, clean };
  try {
    return draw(value, 0, budget);
  } catch (error) {
    // a Proxy whose traps throw
    return `[unreadable ${typeof error}]`;
  }
}

/** What is left to be shown, and how texts are cleaned before they are cut. */
interface Budget {
  nodes: number;
  readonly clean: (text: string) => string;
}

function same(text: string): string {
  return text;
}

function draw(value: unknown, depth: number, budget: Budget): JsonValue {
  budget.nodes -= 1;
  switch (typeof value) {
    case "string":
      return cut(value, budget);
    case "number":
      return Number.isSafeInteger(value) ? value + 0 : `[number ${value}]`;
    case "boolean":
      return value;
    case "object":
      return value === null ? null : drawObject(value, depth, budget);
    case "bigint":
      return `[bigint ${String(value).slice(0, TEXT_MAX)}]`;
    default:
      return `[${typeof value}]`;
  }
}

function cut(text: string, { clean }: Budget): string {
  return wellFormed(clean(text.slice(0, TEXT_MAX * 8)).slice(0, TEXT_MAX));
}

function drawObject(value: object, depth: number, budget: Budget): JsonValue {
  if (depth >= DEPTH_MAX || budget.nodes <= 0) return "[left out]";
  if (value instanceof Date) return `[date ${value.getTime()}]`;
  const members: [string, JsonValue][] = [];
  for (const name of Object.keys(value)) {
    if (budget.nodes <= 0) {
      members.push(["[left out]", true]);
      break;
    }
    const descriptor = Object.getOwnPropertyDescriptor(value, name);
    const clean = cut(name, budget);
    members.push([
      clean,
      descriptor !== undefined && "value" in descriptor ? draw(descriptor.value, depth + 1, budget) : "[accessor]",
    ]);
  }
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}
