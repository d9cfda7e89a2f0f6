import type { EventReader } from "../stores/event-store.js";
import type { HeldLocks, LockManager } from "../stores/lock-manager.js";
import type { Stores } from "../stores/stores.js";
import type { WorkerRegistry } from "../stores/worker-registry.js";

/** Every call of a port, by name: what a fault can hit. */
export const STORE_CALLS = [
  "runbooks.put",
  "runbooks.get",
  "runbooks.documents",
  "runbooks.recordVersion",
  "runbooks.list",
  "events.commit",
  "events.commitMany",
  "reader.read",
  "reader.head",
  "reader.heads",
  "runs.list",
  "runs.due",
  "runs.nextWake",
  "artifacts.put",
  "artifacts.get",
  "inbox.put",
  "inbox.pending",
  "inbox.all",
  "leases.renew",
  "leases.now",
  "locks.acquire",
  "locks.release",
  "locks.holder",
  "locks.list",
  "projections.rebuild",
  "transactions.run",
  "workers.beat",
  "workers.leave",
  "workers.list",
  "workers.sweep",
] as const;

/** The name of one call of a port, such as `events.commit`. */
export type StoreCall = (typeof STORE_CALLS)[number];

/** Stands between a caller and a port: makes the call, or does something else. */
export type Intercept = <T>(name: StoreCall, call: () => Promise<T>) => Promise<T>;

/**
 * Stores whose every port call goes through `intercept`.
 *
 * Reading a stream is one call, made when its first event is asked for. Giving locks back is a call too; `watch`, `owner` and `close`
 * are none.
 */
export function interceptStores<S extends Stores>(inner: S, intercept: Intercept): S {
  const { runbooks, events, runs, artifacts, inbox, leases, locks, projections, transactions, workers } = inner;
  return Object.freeze({
    ...inner,
    runbooks: {
      put: (runbook) => intercept("runbooks.put", () => runbooks.put(runbook)),
      get: (scope, id) => intercept("runbooks.get", () => runbooks.get(scope, id)),
      documents: (scope, id) => intercept("runbooks.documents", () => runbooks.documents(scope, id)),
      recordVersion: (scope, session, id) =>
        intercept("runbooks.recordVersion", () => runbooks.recordVersion(scope, session, id)),
      list: (scope, options) => intercept("runbooks.list", () => runbooks.list(scope, options)),
    },
    events: {
      commit: (writes, options) => intercept("events.commit", () => events.commit(writes, options)),
      commitMany: (commits) => intercept("events.commitMany", () => events.commitMany(commits)),
    },
    reader: interceptReader(inner.reader, intercept),
    runs: {
      list: (scope, filter) => intercept("runs.list", () => runs.list(scope, filter)),
      due: (query) => intercept("runs.due", () => runs.due(query)),
      nextWake: (query) => intercept("runs.nextWake", () => runs.nextWake(query)),
    },
    artifacts: {
      put: (scope, artifact) => intercept("artifacts.put", () => artifacts.put(scope, artifact)),
      get: (scope, id) => intercept("artifacts.get", () => artifacts.get(scope, id)),
    },
    inbox: {
      put: (entry) => intercept("inbox.put", () => inbox.put(entry)),
      pending: (scope, runId) => intercept("inbox.pending", () => inbox.pending(scope, runId)),
      all: (scope, runId) => intercept("inbox.all", () => inbox.all(scope, runId)),
    },
    leases: {
      renew: (scope, stream, lease) => intercept("leases.renew", () => leases.renew(scope, stream, lease)),
      now: () => intercept("leases.now", () => leases.now()),
    },
    ...(locks !== undefined && { locks: interceptLocks(locks, intercept) }),
    projections: { rebuild: (scope) => intercept("projections.rebuild", () => projections.rebuild(scope)) },
    transactions: { run: (work) => intercept("transactions.run", () => transactions.run(work)) },
    ...(workers !== undefined && { workers: interceptWorkers(workers, intercept) }),
  } satisfies Stores);
}

function interceptReader(reader: EventReader, intercept: Intercept): EventReader {
  return {
    async *read(scope, stream, range) {
      yield* await intercept("reader.read", () => collect(reader.read(scope, stream, range)));
    },
    head: (scope, stream) => intercept("reader.head", () => reader.head(scope, stream)),
    async *heads(scope) {
      yield* await intercept("reader.heads", () => collect(reader.heads(scope)));
    },
  };
}

function interceptWorkers(workers: WorkerRegistry, intercept: Intercept): WorkerRegistry {
  return {
    beat: (worker, termMs) => intercept("workers.beat", () => workers.beat(worker, termMs)),
    leave: (workerId) => intercept("workers.leave", () => workers.leave(workerId)),
    list: () => intercept("workers.list", () => workers.list()),
    sweep: () => intercept("workers.sweep", () => workers.sweep()),
  };
}

function interceptLocks(locks: LockManager, intercept: Intercept): LockManager {
  const wrap = (held: HeldLocks): HeldLocks => ({
    requests: held.requests,
    waitedMs: held.waitedMs,
    lost: held.lost,
    release: () => intercept("locks.release", () => held.release()),
  });
  const list = locks.list?.bind(locks);
  return {
    ...(list !== undefined && { list: (scope) => intercept("locks.list", () => list(scope)) }),
    acquire: async (requests, options) => wrap(await intercept("locks.acquire", () => locks.acquire(requests, options))),
    holder: (key) => intercept("locks.holder", () => locks.holder(key)),
  };
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
