import { appendFileSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { CommitAnswer, Stores, StreamWrite } from "runseal";
import type { Outcome, Transaction } from "./list-append.js";

type Line =
  | { readonly begin: number; readonly appends: readonly (readonly [stream: string, value: string])[] }
  | { readonly end: number; readonly outcome: Outcome };

interface Joined {
  readonly id: number;
  readonly outcome: Outcome;
}

/**
 * What a client of the store was told, line by line in a file that outlives it: before a commit what it appends, after it what came of
 * it. A commit without a second line, because the process died over it, is one of which nobody can say anything.
 */
export class AckJournal {
  readonly #file: string;
  #count = 0;

  constructor(folder: string, name: string) {
    this.#file = join(folder, `acks-${name}.jsonl`);
  }

  /** Stores whose commits are written down. */
  watch(stores: Stores): Stores {
    const { events, transactions } = stores;
    /** Commits of open transactions, which nobody has acknowledged before the transaction ends. */
    const joined = new Map<unknown, Joined[]>();
    return Object.freeze({
      ...stores,
      events: {
        commit: async (writes, options) => {
          const id = this.#begin(writes);
          const answer = await this.#ended([id], events.commit(writes, options));
          const transaction = options?.tx === undefined ? undefined : joined.get(options.tx);
          if (transaction === undefined) this.#end(id, outcomeOf(answer));
          else transaction.push({ id, outcome: outcomeOf(answer) });
          return answer;
        },
        commitMany: async (commits) => {
          const ids = commits.map((writes) => this.#begin(writes));
          const answers = await this.#ended(ids, events.commitMany(commits));
          ids.forEach((id, index) => {
            const answer = answers[index];
            this.#end(id, answer === undefined ? "info" : outcomeOf(answer));
          });
          return answers;
        },
      },
      transactions: {
        run: async (work) => {
          const inside: Joined[] = [];
          const progress = { isDone: false };
          try {
            const result = await transactions.run(async (tx) => {
              joined.set(tx, inside).set(tx.handle, inside);
              try {
                const worked = await work(tx);
                progress.isDone = true;
                return worked;
              } finally {
                joined.delete(tx);
                joined.delete(tx.handle);
              }
            });
            for (const { id, outcome } of inside) this.#end(id, outcome);
            return result;
          } catch (error) {
            // work that threw was rolled back; what was lost after it may have been committed
            for (const { id } of inside) this.#end(id, progress.isDone ? "info" : "fail");
            throw error;
          }
        },
      },
    } satisfies Stores);
  }

  #begin(writes: readonly StreamWrite[]): number {
    this.#count += 1;
    const appends = writes.flatMap(({ stream, events }) => events.map(({ seq, hash }) => [stream, `${seq}:${hash}`] as const));
    this.#write({ begin: this.#count, appends });
    return this.#count;
  }

  /** What throws may have happened. */
  async #ended<T>(ids: readonly number[], commit: Promise<T>): Promise<T> {
    try {
      return await commit;
    } catch (error) {
      for (const id of ids) this.#end(id, "info");
      throw error;
    }
  }

  #end(id: number, outcome: Outcome): void {
    this.#write({ end: id, outcome });
  }

  #write(line: Line): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

function outcomeOf(answer: CommitAnswer): Outcome {
  return answer.kind === "committed" ? "ok" : "fail";
}

/** Every commit that any process of a folder tried, as its own transaction. */
export function readJournals(folder: string): readonly Transaction[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("acks-")) : [];
  return files.flatMap((file) => {
    const lines = readFileSync(join(folder, file), "utf8")
      .split("\n")
      .flatMap((text) => readLine(text));
    const ends = new Map(lines.flatMap((line) => ("end" in line ? [[line.end, line.outcome] as const] : [])));
    return lines.flatMap((line) =>
      "begin" in line
        ? [
            {
              id: `${file}#${line.begin}`,
              outcome: ends.get(line.begin) ?? "info",
              ops: line.appends.map(([key, value]) => ({ kind: "append" as const, key, value })),
            },
          ]
        : [],
    );
  });
}

/** The last line of a process that was killed may be cut off. */
function readLine(text: string): readonly Line[] {
  try {
    return [JSON.parse(text) as Line];
  } catch {
    return [];
  }
}
