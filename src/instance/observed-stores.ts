import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Observers } from "./observers.js";
import type { Stores } from "../stores/stores.js";

const RUN_PREFIX = "run/";

/**
 * The same stores, which tell observers what was committed through them: every commit passes here, whoever makes it.
 *
 * What is committed in a transaction of the caller's is not told: it may still be rolled back.
 */
export function observedStores(stores: Stores, observers: Observers): Stores {
  if (observers.isEmpty) return stores;
  const { runbooks, events, reader, runs, artifacts, inbox, leases, locks, projections, owner } = stores;
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
    owner,
    watch: (listener) => stores.watch(listener),
    close: () => stores.close(),
    events: {
      commit: async (writes, options) => {
        const answer = await events.commit(writes, options);
        if (options?.tx === undefined) tell(writes, answer);
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
