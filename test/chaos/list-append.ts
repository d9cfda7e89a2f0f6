import type { CycleEdge, Dependency } from "./dependency-graph.js";
import { DependencyGraph } from "./dependency-graph.js";

/** What a client knows of its transaction: it took effect, it did not, or nobody can say. */
export type Outcome = "ok" | "fail" | "info";

/**
 * One thing that a transaction did. An appended value is unique within its key; only what may not have happened is tried again under
 * the same value.
 */
export type Op =
  | { readonly kind: "append"; readonly key: string; readonly value: string }
  | { readonly kind: "read"; readonly key: string; readonly list: readonly string[] };

/** What one client tried to do at once. */
export interface Transaction {
  readonly id: string;
  readonly outcome: Outcome;
  /** In the order in which they were done. Reads count only where the outcome is `ok`. */
  readonly ops: readonly Op[];
}

/** What was observed from outside. */
export interface Observations {
  readonly transactions: readonly Transaction[];
  /** The list of every key, read when all had ended. A key that is missing is empty. */
  readonly final: ReadonlyMap<string, readonly string[]>;
}

/** What a database that is right never shows. */
export type AnomalyKind =
  /** An acknowledged append is not in the final list. */
  | "lost_append"
  /** A value stands twice in a list, or was appended twice. */
  | "duplicate"
  /** A list holds what nobody appended. */
  | "unknown_value"
  /** A list holds what a failed transaction appended. */
  | "aborted_read"
  /** A read saw some, not all, of what another transaction appended to one key (G1b). */
  | "intermediate_read"
  /** A transaction did not read its own appends. */
  | "own_write_missed"
  /** A read is not a beginning of the final list: something was inserted before, moved or taken away. */
  | "reordered"
  /** Transactions wrote before each other, in a circle (G0). */
  | "write_cycle"
  /** Transactions read each other's writes, in a circle (G1c). */
  | "information_cycle"
  /** A circle with one read that missed a write, e.g. a lost update (G-single). */
  | "read_skew"
  /** A circle with several such reads, e.g. write skew (G2). */
  | "anti_dependency_cycle";

/** One finding. */
export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly message: string;
  /** Ids of the transactions involved, as far as they are known. */
  readonly transactions: readonly string[];
}

/**
 * Checks observations of append-only lists in the manner of Elle: the lists themselves tell the order of the writes, so that lost,
 * doubled and moved values and circles of dependencies are found without knowing anything of what is tested.
 *
 * Clean means: what was observed is what some serial execution shows. O(n) of all list elements, plus O(n + e) of the graph.
 */
export function checkListAppend(observations: Observations): readonly Anomaly[] {
  const writers = writersOf(observations.transactions);
  return [
    ...doubleWriters(observations.transactions),
    ...lostAppends(observations),
    ...[...observations.final].flatMap(([key, list]) => listProblems({ key, list, reader: "the final list" }, writers)),
    ...reads(observations.transactions).flatMap((read) => readProblems(read, observations.final, writers)),
    ...cycles(observations, writers),
  ];
}

type Writers = ReadonlyMap<string, ReadonlyMap<string, Transaction>>;

interface ListRead {
  readonly key: string;
  readonly list: readonly string[];
  readonly reader: string;
}

interface OwnRead extends ListRead {
  readonly transaction: Transaction;
  /** What the reader itself had appended to the key before it read. */
  readonly own: readonly string[];
}

const CERTAINTY = { ok: 2, info: 1, fail: 0 } as const;

/** Who appended what, by key and value; whoever says so with most certainty where several tried. */
function writersOf(transactions: readonly Transaction[]): Writers {
  const writers = new Map<string, Map<string, Transaction>>();
  for (const transaction of transactions) {
    for (const { key, value } of appendsOf(transaction)) {
      const ofKey = writers.get(key) ?? new Map<string, Transaction>();
      writers.set(key, ofKey);
      const before = ofKey.get(value);
      if (before === undefined || CERTAINTY[before.outcome] < CERTAINTY[transaction.outcome]) ofKey.set(value, transaction);
    }
  }
  return writers;
}

function appendsOf(transaction: Transaction): readonly { readonly key: string; readonly value: string }[] {
  return transaction.ops.flatMap((op) => (op.kind === "append" ? [op] : []));
}

function reads(transactions: readonly Transaction[]): readonly OwnRead[] {
  return transactions.flatMap((transaction) => {
    if (transaction.outcome !== "ok") return [];
    const own = new Map<string, string[]>();
    return transaction.ops.flatMap((op) => {
      if (op.kind === "read") {
        return [{ key: op.key, list: op.list, reader: transaction.id, transaction, own: [...(own.get(op.key) ?? [])] }];
      }
      own.set(op.key, [...(own.get(op.key) ?? []), op.value]);
      return [];
    });
  });
}

function doubleWriters(transactions: readonly Transaction[]): readonly Anomaly[] {
  const seen = new Map<string, string>();
  return transactions
    .filter(({ outcome }) => outcome === "ok")
    .flatMap((transaction) =>
      appendsOf(transaction).flatMap(({ key, value }): readonly Anomaly[] => {
        const name = JSON.stringify([key, value]);
        const before = seen.get(name);
        seen.set(name, transaction.id);
        if (before === undefined) return [];
        return [{ kind: "duplicate", message: `${name} was acknowledged twice`, transactions: [before, transaction.id] }];
      }),
    );
}

function lostAppends({ transactions, final }: Observations): readonly Anomaly[] {
  const kept = new Map([...final].map(([key, list]) => [key, new Set(list)]));
  return transactions
    .filter(({ outcome }) => outcome === "ok")
    .flatMap((transaction) =>
      appendsOf(transaction)
        .filter(({ key, value }) => kept.get(key)?.has(value) !== true)
        .map(({ key, value }) => ({
          kind: "lost_append" as const,
          message: `"${value}" was acknowledged and is not in the final list of "${key}"`,
          transactions: [transaction.id],
        })),
    );
}

/** What is wrong with a list by itself, whoever read it. */
function listProblems({ key, list, reader }: ListRead, writers: Writers): readonly Anomaly[] {
  const seen = new Set<string>();
  return list.flatMap((value): readonly Anomaly[] => {
    const where = `in "${key}" as read by ${reader}`;
    if (seen.has(value)) return [{ kind: "duplicate", message: `"${value}" stands twice ${where}`, transactions: [] }];
    seen.add(value);
    const writer = writers.get(key)?.get(value);
    if (writer === undefined)
      return [{ kind: "unknown_value", message: `nobody appended "${value}" ${where}`, transactions: [] }];
    if (writer.outcome !== "fail") return [];
    return [{ kind: "aborted_read", message: `"${value}" of a failed transaction stands ${where}`, transactions: [writer.id] }];
  });
}

function readProblems(read: OwnRead, final: Observations["final"], writers: Writers): readonly Anomaly[] {
  const found = [...listProblems(read, writers)];
  const { key, list, reader, own } = read;
  if (!isPrefix(list, final.get(key) ?? [])) {
    const message = `${reader} read "${key}" as ${show(list)}, which the final list ${show(final.get(key) ?? [])} does not begin with`;
    found.push({ kind: "reordered", message, transactions: [reader] });
  }
  if (own.length > 0 && !isPrefix([...own].reverse(), [...list].reverse())) {
    const message = `${reader} appended ${show(own)} to "${key}" and then read ${show(list)}`;
    found.push({ kind: "own_write_missed", message, transactions: [reader] });
  }
  const last = list.at(-1);
  const writer = last === undefined ? undefined : writers.get(key)?.get(last);
  if (writer !== undefined && writer !== read.transaction && lastAppend(writer, key) !== last) {
    const message = `${reader} read "${key}" up to "${String(last)}", in the middle of what ${writer.id} appended`;
    found.push({ kind: "intermediate_read", message, transactions: [writer.id, reader] });
  }
  return found;
}

function lastAppend(transaction: Transaction, key: string): string | undefined {
  return appendsOf(transaction)
    .filter((append) => append.key === key)
    .at(-1)?.value;
}

function isPrefix(list: readonly string[], of: readonly string[]): boolean {
  return list.length <= of.length && list.every((value, index) => value === of[index]);
}

function show(list: readonly string[]): string {
  return list.length <= 8 ? `[${list.join(", ")}]` : `[… ${list.length - 8} more, ${list.slice(-8).join(", ")}]`;
}

/** Circles, the worst kind first: what is a write cycle is not told again as a weaker one. */
function cycles({ transactions, final }: Observations, writers: Writers): readonly Anomaly[] {
  const graph = dependencies(transactions, final, writers);
  const found: Anomaly[] = [];
  const told = new Set<string>();
  const tell = (kind: AnomalyKind, cycle: readonly CycleEdge[] | undefined): void => {
    if (cycle === undefined || cycle.some(({ from }) => told.has(from))) return;
    for (const { from } of cycle) told.add(from);
    const way = cycle.map(({ from, by }) => `${from} -${by}->`).join(" ");
    found.push({ kind, message: `${way} ${cycle[0]?.from ?? ""}`, transactions: cycle.map(({ from }) => from) });
  };
  for (const cycle of graph.cycles(["ww"])) tell("write_cycle", cycle);
  for (const cycle of graph.cycles(["ww", "wr"])) tell("information_cycle", cycle);
  const tangles = graph.cycles(["ww", "wr", "rw"]);
  if (tangles.length === 0) return found;
  for (const edge of graph.edges(["rw"])) {
    const back = graph.path(edge.to, edge.from, ["ww", "wr"]);
    if (back !== undefined) tell("read_skew", [edge, ...back]);
  }
  for (const cycle of tangles) tell("anti_dependency_cycle", cycle);
  return found;
}

function dependencies(transactions: readonly Transaction[], final: Observations["final"], writers: Writers): DependencyGraph {
  const graph = new DependencyGraph();
  const writerOf = (key: string, value: string | undefined): string | undefined =>
    value === undefined ? undefined : writers.get(key)?.get(value)?.id;
  const link = (from: string | undefined, by: Dependency, to: string | undefined): void => {
    if (from !== undefined && to !== undefined) graph.add(from, by, to);
  };
  for (const [key, list] of final) {
    list.forEach((value, index) => {
      if (index > 0) link(writerOf(key, list[index - 1]), "ww", writerOf(key, value));
    });
  }
  for (const { key, list, reader, own } of reads(transactions)) {
    const whole = final.get(key) ?? [];
    if (!isPrefix(list, whole)) continue;
    // its own appends are no reason to come after anybody: what it found before them is
    const seen = list.length - (isPrefix([...own].reverse(), [...list].reverse()) ? own.length : 0);
    link(writerOf(key, list[seen - 1]), "wr", reader);
    link(reader, "rw", writerOf(key, whole[list.length]));
  }
  return graph;
}
