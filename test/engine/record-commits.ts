import type { CommitAnswer, StreamWrite } from "../../src/stores/event-store.js";
import type { EngineParts } from "../../src/engine/parts.js";

/** Stores that remember every commit that went through, so that a test can play the first few of them again. */
export function recordCommits(stores: EngineParts["stores"]): {
  readonly stores: EngineParts["stores"];
  readonly commits: readonly (readonly StreamWrite[])[];
} {
  const commits: (readonly StreamWrite[])[] = [];
  const { events } = stores;
  const commit = async (writes: readonly StreamWrite[]): Promise<CommitAnswer> => {
    const answer = await events.commit(writes);
    if (answer.kind === "committed") commits.push(writes);
    return answer;
  };
  return { stores: { ...stores, events: { commit, commitMany: events.commitMany.bind(events) } }, commits };
}

/** Plays commits on other stores: what a crash right after the last of them leaves. Messages are put where they are consumed. */
export async function playCommits(stores: EngineParts["stores"], commits: readonly (readonly StreamWrite[])[]): Promise<void> {
  for (const writes of commits) {
    const answer = await stores.events.commit(writes);
    if (answer.kind !== "committed") throw new Error(`commit was answered "${answer.kind}"`);
  }
}
