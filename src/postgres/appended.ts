import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Row } from "../sql/row.js";
import { integerIn } from "../sql/row.js";

/** The answers of a statement that gave the time `at` and the places of the writes that are `done`; `undefined` for the others. */
export function appended(writes: readonly StreamWrite[], row: Row | undefined): readonly (CommitAnswer | undefined)[] {
  if (row === undefined) return [];
  const at = integerIn(row, "at");
  const done = new Set<unknown>(Array.isArray(row["done"]) ? row["done"] : []);
  return writes.map((write, place) => (done.has(place) ? committedAt(write, at) : undefined));
}

/** The answer of a write that appended. */
export function committedAt({ stream, expectedSeq, events }: StreamWrite, at: number): CommitAnswer {
  const hash = events.at(-1)?.hash ?? "";
  return { kind: "committed", heads: [{ stream, seq: expectedSeq + events.length, hash }], at };
}
