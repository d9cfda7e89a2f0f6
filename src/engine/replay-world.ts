import type { AnyEvent } from "../model/event.js";
import type { ArtifactWrite, CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Env } from "./env.js";
import type { HeldLocks, LockHolder, LockManager, LockRequest } from "../stores/lock-manager.js";
import type { InboxEntry } from "../stores/inbox.js";
import type { Stores } from "../stores/stores.js";
import type { StreamName } from "../model/ids.js";
import { eventOf } from "../history/read-event.js";
import { memoryStores } from "../stores/memory/memory-stores.js";

/** What the scratch world asks of whoever conducts a replay. */
export interface ReplayScore {
  now(): number;
  random(): number;
  /** Called before each turn of the loop: what has come in since the last. */
  turn(): Promise<readonly InboxEntry[]>;
  committed(events: readonly AnyEvent[]): void;
  /** Takes what makes the loop look for messages. */
  listen(hint: () => void): void;
  acquire(requests: readonly LockRequest[], signal: AbortSignal | undefined): Promise<HeldLocks>;
  holder(): LockHolder | undefined;
}

/** Time and chance as the record tells them; only handlers run in the world that is. */
export function replayEnv(score: ReplayScore, env: Env): Env {
  return {
    now: () => score.now(),
    random: () => score.random(),
    sleep: () => Promise.resolve(),
    schedule: () => ({ cancel: nothing }),
    entropy: (length) => new Uint8Array(length),
    uuid: () => "00000000-0000-7000-8000-000000000000",
    breathe: () => env.breathe(),
    inStep: (call) => env.inStep(call),
  };
}

/** Scratch stores: what the loop writes goes to the score alone; artifacts that it does not write itself are read from the record. */
export function replayStores(
  score: ReplayScore,
  env: Env,
  from: {
    readonly stream: StreamName;
    readonly owner: string;
    readonly hasLocks: boolean;
    readonly artifacts: Pick<Stores["artifacts"], "get">;
  },
): Stores {
  const { locks: _none, ...scratch } = memoryStores({ clock: env });
  const commit = async (writes: readonly StreamWrite[]): Promise<CommitAnswer> => {
    for (const { scope, artifacts } of writes) await putAll(scratch, scope, artifacts);
    const at = env.now();
    for (const { scope, stream, events } of writes) {
      if (stream === from.stream) score.committed(events.map((event) => eventOf({ ...event, scope, at })));
    }
    return { kind: "committed", heads: [], at };
  };
  return {
    ...scratch,
    owner: from.owner,
    events: { commit, commitMany: (commits) => Promise.all(commits.map(commit)) },
    inbox: {
      ...scratch.inbox,
      pending: async () => (await score.turn()).map((entry, order) => ({ ...entry, order })),
    },
    artifacts: {
      put: (scope, artifact) => scratch.artifacts.put(scope, artifact),
      get: async (scope, id) => (await scratch.artifacts.get(scope, id)) ?? from.artifacts.get(scope, id),
    },
    leases: { renew: () => Promise.resolve(true), now: () => Promise.resolve(env.now()) },
    ...(from.hasLocks && { locks: replayLocks(score) }),
    watch: (listener) => {
      score.listen(listener);
      return nothing;
    },
  };
}

function replayLocks(score: ReplayScore): LockManager {
  return {
    acquire: (requests, { signal }) => score.acquire(requests, signal),
    holder: () => Promise.resolve(score.holder()),
  };
}

async function putAll(stores: Pick<Stores, "artifacts">, scope: string, artifacts: readonly ArtifactWrite[]): Promise<void> {
  for (const artifact of artifacts) await stores.artifacts.put(scope, artifact);
}

function nothing(): void {
  // nothing was armed
}
