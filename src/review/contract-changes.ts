import type { VerbContract } from "../model/verb.js";
import { canonicalize } from "../json/canonical.js";

/** One place in which two contracts of a verb differ. */
export interface ContractChange {
  /** `recovery`, or the way into a schema or the inverse: `args.currency.values`, `result.number`. */
  readonly path: string;
  /** Canonical text of what stood there when the runbook was sealed, shortened; `null` = nothing. */
  readonly sealed: string | null;
  /** What stands there now. */
  readonly current: string | null;
}

/** The members that a contract's digest covers. */
const MEANING = ["name", "version", "effect", "recovery", "mode", "transactional", "args", "result", "undo"] as const;

/** Changes listed at most; a person has seen enough then. */
const CHANGES_MAX = 20;
const TEXT_MAX = 200;

/**
 * Where the meaning of two contracts differs (decision 1.7): empty exactly when their digests are equal.
 *
 * Timeouts, retries, tags and sentences are no part of the meaning. At most 20 changes, in a stable order.
 *
 * @remarks Time O(text).
 */
export function contractChanges(sealed: VerbContract, current: VerbContract): readonly ContractChange[] {
  const found: ContractChange[] = [];
  for (const member of MEANING) compare(found, member, sealed[member], current[member]);
  return found.slice(0, CHANGES_MAX);
}

/** Contracts are JSON through and through; `undefined` is an absent member. */
function compare(found: ContractChange[], path: string, sealed: unknown, current: unknown): void {
  if (found.length >= CHANGES_MAX || textOf(sealed) === textOf(current)) return;
  if (!isRecord(sealed) || !isRecord(current) || sealed["type"] !== current["type"]) {
    found.push({ path, sealed: shortTextOf(sealed), current: shortTextOf(current) });
    return;
  }
  const names = [...new Set([...Object.keys(sealed), ...Object.keys(current)])].sort();
  for (const name of names) compare(found, pathTo(path, name, sealed), own(sealed, name), own(current, name));
}

/** The fields of an object read like a path into the value. */
function pathTo(path: string, name: string, parent: { readonly [name: string]: unknown }): string {
  return name === "fields" && parent["type"] === "object" ? path : `${path}.${name}`;
}

function own(record: { readonly [name: string]: unknown }, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return value === undefined ? "" : canonicalize(value);
}

function shortTextOf(value: unknown): string | null {
  if (value === undefined) return null;
  const text = textOf(value);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}
