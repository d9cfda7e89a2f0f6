import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Observers } from "./observers.js";
import type { Stores } from "../stores/stores.js";

const RUN_PREFIX = "run/";

/**
 * The same stores, which tell observers what was committed through them: every commit passes here, whoever makes it.
 *
 * What is committed in a transaction is told after it, and not at all when it is rolled back or when it is one that these stores did not begin.
 */
export function observedStores(stores: Stores, observers: Observers): Stores {
  if (observers.isEmpty) return stores;
  const {
    runbooks,
    events,
    reader,
    runs,
    artifacts,
    inbox,
    leases,
    locks,
    projections,
    retention,
    transactions,
    workers,
    owner,
  } = stores;
  const later = new Map<unknown, (() => void)[]>();
  const tell = (writes: readonly StreamWrite[], answer: CommitAnswer | undefined): void => {
    if (answer?.kind !== "committed") return;
    for (const { scope, stream, events: chained } of writes) {
      if (!stream.startsWith(RUN_PREFIX)) continue;
      observers.tell(
        stream.slice(RUN_PREFIX.length),
        chained.map((event) => ({ ...event, scope, at: answer.at })),
      );
    }
  };
  return {
    runbooks,
    reader,
    runs,
    artifacts,
    inbox,
    leases,
    ...(locks !== undefined && { locks }),
    projections,
    ...(retention !== undefined && { retention }),
    ...(workers !== undefined && { workers }),
    owner,
    transactions: {
      run: async (work) => {
        const told: (() => void)[] = [];
        const names: unknown[] = [];
        try {
          const value = await transactions.run((tx) => {
            names.push(tx, tx.handle);
            for (const name of names) later.set(name, told);
            return work(tx);
          });
          for (const tellOne of told) tellOne();
          return value;
        } finally {
          for (const name of names) later.delete(name);
        }
      },
    },
    ...(stores.metrics !== undefined && { metrics: stores.metrics.bind(stores) }),
    watch: (listener) => stores.watch(listener),
    close: () => stores.close(),
    events: {
      commit: async (writes, options) => {
        const answer = await events.commit(writes, options);
        if (options?.tx === undefined) tell(writes, answer);
        else later.get(options.tx)?.push(() => tell(writes, answer));
        return answer;
      },
      commitMany: async (commits) => {
        const answers = await events.commitMany(commits);
        for (const [index, writes] of commits.entries()) tell(writes, answers[index]);
        return answers;
      },
    },
  };
}
