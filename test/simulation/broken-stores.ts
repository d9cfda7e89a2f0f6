import type { EventDraft } from "../../src/model/event.js";
import type { HeldLocks } from "../../src/stores/lock-manager.js";
import type { Stores } from "runseal";
import type { StreamWrite } from "../../src/stores/event-store.js";
import { chainDrafts } from "../../src/engine/chain-drafts.js";

/** Stores with one planted bug each; a simulation must find every one. */
export const brokenStores: { readonly [bug: string]: (inner: Stores) => Stores } = {
  "a store that ignores the fence": ignoringTheFence,
  "a store that acknowledges the entry of a step before it is durable": acknowledgingEarly,
  "a store that forgets which messages were taken": forgettingMessages,
  "a lock table that admits two": admittingTwo,
  "an inbox that loses what it was given": losingMessages,
};

type Commit = Stores["events"]["commit"];

function withCommit(inner: Stores, commit: Commit): Stores {
  return { ...inner, events: { commit, commitMany: (commits) => inner.events.commitMany(commits) } };
}

/** Whatever is written goes behind what is there, by whomever. */
function ignoringTheFence(inner: Stores): Stores {
  return withCommit(inner, async (writes) => {
    const moved = await Promise.all(writes.map(async (write) => (write.fence === null ? write : moveBehind(inner, write))));
    return inner.events.commit(moved);
  });
}

async function moveBehind(inner: Stores, write: StreamWrite): Promise<StreamWrite> {
  const head = await inner.reader.head(write.scope, write.stream);
  if (head === undefined || (head.seq === write.expectedSeq && head.epoch === write.fence?.epoch)) return write;
  const drafts = write.events.map(
    ({ kind, payloadText }) => ({ kind, payload: JSON.parse(payloadText) as unknown }) as EventDraft,
  );
  const { scope, stream, seq, hash, epoch, owner } = head;
  const events = chainDrafts({ scope, stream, seq, hash }, drafts, epoch);
  return { ...write, expectedSeq: seq, events, fence: owner === null ? null : { owner, epoch } };
}

/** Says "committed" when a step is entered, and writes it together with what comes next. */
function acknowledgingEarly(inner: Stores): Stores {
  const waiting = new Map<string, readonly StreamWrite[]>();
  return withCommit(inner, async (writes) => {
    const [{ stream } = { stream: "run/" as const }] = writes;
    const before = waiting.get(stream);
    waiting.delete(stream);
    if (before !== undefined) {
      const answer = await inner.events.commit(before);
      if (answer.kind !== "committed") return answer;
    }
    if (writes.length > 1 || writes[0]?.events.at(-1)?.kind !== "step.entered") return inner.events.commit(writes);
    waiting.set(stream, writes);
    const heads = writes.map(({ events }) => ({ stream, seq: events.at(-1)?.seq ?? 0, hash: events.at(-1)?.hash ?? "" }));
    return { kind: "committed", heads, at: await inner.leases.now() };
  });
}

function forgettingMessages(inner: Stores): Stores {
  return withCommit(inner, (writes) => inner.events.commit(writes.map((write) => ({ ...write, consume: {} }))));
}

function admittingTwo(inner: Stores): Stores {
  const acquire = async (requests: HeldLocks["requests"]): Promise<HeldLocks> => ({
    requests,
    waitedMs: 0,
    lost: new AbortController().signal,
    release: async () => undefined,
  });
  return { ...inner, locks: { acquire, holder: async () => undefined } };
}

function losingMessages(inner: Stores): Stores {
  const { inbox } = inner;
  return {
    ...inner,
    inbox: {
      put: async () => ({ kind: "stored" }),
      pending: (scope, runId) => inbox.pending(scope, runId),
      all: (scope, runId) => inbox.all(scope, runId),
    },
  };
}
