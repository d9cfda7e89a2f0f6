import assert from "node:assert/strict";
import type { ErrorCode } from "../../errors/error.js";
import type { LockManager } from "../../stores/lock-manager.js";
import type { Stores } from "../../stores/stores.js";
import { isRunsealError } from "../../errors/error.js";

/** What a case needs of the stores under test. Each case gets a fresh one, over an empty backing. */
export interface ContractEnv {
  readonly stores: Stores;
  /** Opens the same backing under another owner, as a second process would. The caller of the case closes it. */
  readonly openAnother: () => Promise<Stores>;
  /** Moves the clock that decides leases and lock deadlines. Absent: cases that need time to pass are left out. */
  readonly advance?: (ms: number) => void | Promise<void>;
  /** A table of the host's own in the same database. Absent: cases on rows that are written together with the log are left out. */
  readonly rows?: HostRows;
  /** Makes the process behind `stores` count as gone. Absent: cases that need a dead owner are left out. */
  readonly kill?: (stores: Stores) => void | Promise<void>;
}

/** Rows of the host's own, reached through the handle of a transaction. */
export interface HostRows {
  put(handle: unknown, key: string, value: string): void | Promise<void>;
  get(handle: unknown, key: string): string | undefined | Promise<string | undefined>;
}

/** What a case came to: nothing when it held, or why it could not be tried here. It throws when the contract is broken. */
export type ContractOutcome = { readonly skipped: string } | undefined;

/** One sentence of the ports' contract, and the deed that shows it. */
export interface ContractCase {
  /** The port it belongs to. */
  readonly port: string;
  readonly name: string;
  run(env: ContractEnv): Promise<ContractOutcome>;
}

/** Makes the cases of one port from sentences and deeds. */
export function casesOf(
  port: string,
  deeds: { readonly [name: string]: (env: ContractEnv) => Promise<ContractOutcome> | Promise<void> },
): readonly ContractCase[] {
  return Object.entries(deeds).map(([name, deed]) => ({
    port,
    name,
    run: async (env) => {
      const outcome = await deed(env);
      return outcome ?? undefined;
    },
  }));
}

/** The outcome of a case that needs the clock where there is none to move. */
export const NO_CLOCK: ContractOutcome = { skipped: "the clock of these stores can't be moved" };
/** The outcome of a case that needs a dead owner where nobody can be killed. */
export const NO_KILL: ContractOutcome = { skipped: "no owner of these stores can be made to count as gone" };
/** The outcome of a case on rows of the host's own where there are none. */
export const NO_ROWS: ContractOutcome = { skipped: "these stores come without a table of the host's own" };
/** The outcome of a case on locks where there are none. */
export const NO_LOCKS: ContractOutcome = { skipped: "these stores bring no locks" };

/** Asserts that a promise rejects with an error of this package. */
export async function assertRejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isRunsealError(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  });
}

/** Everything an async iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const PATIENCE_MS = 30_000;

/** Waits until `holds` says so; fails after thirty seconds with `what`. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < giveUpAt, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Waits for a promise that a deadline of the stores settles, moving their clock along where it does not move by itself. */
export async function settled<T>(env: ContractEnv, promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const state: { result?: PromiseSettledResult<T> } = {};
  const done = Promise.allSettled([promise]).then(([result]) => {
    state.result = result;
    return result;
  });
  await eventually("the promise settles", async () => {
    if (state.result === undefined) await env.advance?.(10);
    return state.result !== undefined;
  });
  return done;
}

/** The locks of stores that have them. */
export function locksOf(stores: Stores): LockManager {
  assert.ok(stores.locks, "the stores bring locks");
  return stores.locks;
}
