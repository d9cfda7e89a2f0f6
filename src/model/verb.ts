import type { SchemaDescription } from "./schema-description.js";
import type { Digest } from "./ids.js";
import type { Tree } from "./expression.js";

/** What a verb does to the world: nothing, looks, or changes it. */
export type Effect = "pure" | "read" | "write";

/** How a step is finished: by its handler, by a signal after dispatch, or by a person's decision. */
export type Mode = "sync" | "durable" | "human_gate";

/** What is done when it is not known whether a write happened: run again with the same key, ask the verb, or ask a person. */
export type Recovery = "idempotent" | "reconcile" | "manual";

/** How often and how soon a failed attempt is tried again. Delays in milliseconds, full jitter. */
export interface RetryPolicy {
  /** Attempts in total, the first included. Default 3 for pure, read and idempotent verbs, else 1. */
  readonly attemptsMax: number;
  /** Upper bound of the first delay. Default 200. */
  readonly baseMs: number;
  /** Upper bound of every delay. Default 30 000. */
  readonly maxMs: number;
}

/** Longest time that the transaction of a transactional verb, or of a host, may stay open, milliseconds (decision 3.12). */
export const TRANSACTION_MS_MAX = 5_000;

/** `name@version`, as steps and events write it. */
export type VerbRef = `${string}@${number}`;

/** The inverse of a verb as data: the verb to call, and its arguments as expressions over `args` and `result`. */
export interface Undo {
  readonly verb: string;
  readonly args: Tree;
}

/** A verb as data: everything but its handler and its zod schemas. */
export interface VerbContract {
  readonly name: string;
  readonly version: number;
  readonly args: SchemaDescription;
  readonly result: SchemaDescription;
  readonly effect: Effect;
  /** Present exactly when `effect` is `write`. */
  readonly recovery?: Recovery;
  readonly mode: Mode;
  readonly undo?: Undo;
  /** `sealed: "retired"` verbs serve old runbooks; compile does not choose them. */
  readonly retired: boolean;
  readonly retry: RetryPolicy;
  /** Time an attempt may take, milliseconds. Default 300 000. */
  readonly timeoutMs: number;
  readonly tags: readonly string[];
  /** What a preview says of a step, with `{field}` for arguments; not part of the contract digest. */
  readonly sentence?: string;
  /** A `read` verb whose handler reaches the world through `ctx` only, so that re-simulation may call it. */
  readonly replayable: boolean;
  /**
   * Its effect is in the stores' own database, and its handler works in the transaction that records its completion: both are there, or
   * neither is. Present when it is so.
   */
  readonly transactional?: true;
  /** Covers meaning only: name, version, schemas, effect, recovery, mode, transactional, write contract, inverse (decision 1.7). */
  readonly digest: Digest;
}

/** Writes a verb's name and version as one word. */
export function verbRef(verb: { readonly name: string; readonly version: number }): VerbRef {
  return `${verb.name}@${verb.version}`;
}
