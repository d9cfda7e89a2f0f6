import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalize } from "../../src/json/canonical.js";
import type { EventDraft } from "../../src/model/event.js";
import type { StreamWrite } from "../../src/stores/event-store.js";
import type { Stores } from "../../src/stores/stores.js";
import { openSqlite } from "../../src/sqlite/open-sqlite.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { collect } from "../../src/testing/store-contract/contract-case.js";
import {
  completed,
  entered,
  parked,
  runCanceledVoid,
  runCompleted,
  SampleRun,
} from "../../src/testing/store-contract/sample-run.js";
import { TurnedClock } from "../stores/turned-clock.js";

const NOW = 1_700_000_000_000;

/** One thing somebody does to one of a few runs. Owners are made up, so that only the term of a lease decides. */
type Deed =
  | { readonly do: "submit"; readonly run: number; readonly uses: "once" | "many"; readonly dedupKey: string | null }
  | { readonly do: "claim"; readonly run: number; readonly owner: string; readonly epochOff: number }
  | {
      readonly do: "append";
      readonly run: number;
      readonly kind: number;
      readonly release: boolean;
      readonly token: string | null;
      readonly signal: string | null;
    }
  | { readonly do: "forge"; readonly run: number; readonly owner: string; readonly epoch: number; readonly seqOff: number }
  | {
      readonly do: "put";
      readonly run: number;
      readonly key: string;
      readonly kind: "signal" | "cancel";
      readonly payload: number;
    }
  | { readonly do: "renew"; readonly run: number; readonly owner: string; readonly epoch: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "rebuild" };

const run = fc.nat({ max: 2 });
const owner = fc.constantFrom("a", "b");
const key = fc.constantFrom("k1", "k2");
const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    do: fc.constant("submit" as const),
    run,
    uses: fc.constantFrom("once" as const, "many" as const),
    dedupKey: fc.constantFrom(null, "d"),
  }),
  fc.record({ do: fc.constant("claim" as const), run, owner, epochOff: fc.constantFrom(0, 0, 0, 1) }),
  fc.record({
    do: fc.constant("append" as const),
    run,
    kind: fc.nat({ max: 4 }),
    release: fc.boolean(),
    token: fc.constantFrom(null, null, "t1", "t2"),
    signal: fc.constantFrom(null, null, "k1", "k2"),
  }),
  fc.record({ do: fc.constant("forge" as const), run, owner, epoch: fc.nat({ max: 3 }), seqOff: fc.constantFrom(-1, 0, 1) }),
  fc.record({
    do: fc.constant("put" as const),
    run,
    key,
    kind: fc.constantFrom("signal" as const, "cancel" as const),
    payload: fc.nat({ max: 1 }),
  }),
  fc.record({ do: fc.constant("renew" as const), run, owner, epoch: fc.nat({ max: 3 }) }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 5_000, 10_000) }),
  fc.record({ do: fc.constant("rebuild" as const) }),
);

const DRAFTS: readonly (readonly EventDraft[])[] = [
  [entered("a"), completed("a")],
  [],
  [parked(NOW + 7_000)],
  [runCompleted],
  [runCanceledVoid],
];

/** What somebody sees from outside: everything that can be read. */
async function seen(stores: Stores, runs: readonly SampleRun[]): Promise<string> {
  const heads = await collect(stores.reader.heads("default"));
  const inboxes = await Promise.all(runs.map(({ runId }) => stores.inbox.all("default", runId)));
  const pending = await Promise.all(runs.map(({ runId }) => stores.inbox.pending("default", runId)));
  const due = await stores.runs.due({ scope: null, queues: null, limit: 10 });
  const wake = await stores.runs.nextWake({ scope: null, queues: null });
  return canonicalize({ heads, inboxes, pending, due, wake });
}

/** Gives the same call to both and hands back the one answer. */
async function both<T>(stores: readonly Stores[], call: (each: Stores) => Promise<T>): Promise<T | string> {
  const answers = await Promise.all(
    stores.map((each) => call(each).catch((error: unknown) => `threw ${String((error as { code?: string }).code)}`)),
  );
  expect(answers[1]).toEqual(answers[0]);
  return answers[0] as T | string;
}

async function act(stores: readonly Stores[], runs: readonly SampleRun[], clock: TurnedClock, deed: Deed): Promise<void> {
  if (deed.do === "advance") clock.advance(deed.ms);
  else if (deed.do === "rebuild") await both(stores, (each) => each.projections.rebuild("default"));
  else await actOn(runs[deed.run] ?? expect.unreachable(), stores, deed);
}

type RunDeed = Exclude<Deed, { readonly do: "advance" | "rebuild" }>;

async function actOn(target: SampleRun, stores: readonly Stores[], deed: RunDeed): Promise<void> {
  const { scope, runId, stream } = target;
  if (deed.do === "put") {
    const message = { scope, runId, key: deed.key, kind: deed.kind, payload: deed.payload };
    await both(stores, (each) => each.inbox.put(message));
  } else if (deed.do === "renew") {
    const lease = { owner: deed.owner, epoch: deed.epoch, leaseMs: 3_000 };
    await both(stores, (each) => each.leases.renew(scope, stream, lease));
  } else {
    const write = writeOf(target, deed);
    if (write === undefined) return;
    const answer = await both(stores, (each) => each.events.commit([write]));
    if (typeof answer !== "string" && answer.kind === "committed") target.adopt(write);
  }
}

function writeOf(
  target: SampleRun,
  deed: Extract<Deed, { readonly do: "submit" | "claim" | "append" | "forge" }>,
): StreamWrite | undefined {
  if (deed.do === "submit") return target.seq === 0 ? target.submission(deed) : undefined;
  if (target.seq === 0) return undefined;
  if (deed.do === "claim") {
    const write = target.claim({ owner: deed.owner });
    return write.claim === undefined ? write : { ...write, claim: { ...write.claim, epoch: write.claim.epoch + deed.epochOff } };
  }
  if (deed.do === "forge") {
    const write = target.write([entered("f")], { fence: { owner: deed.owner, epoch: deed.epoch } });
    return { ...write, expectedSeq: write.expectedSeq + deed.seqOff };
  }
  const consume = { approvals: deed.token === null ? [] : [deed.token], signals: deed.signal === null ? [] : [deed.signal] };
  return target.write(DRAFTS[deed.kind] ?? [], { consume, ...(deed.release ? { releaseLease: true } : {}) });
}

test(
  "memory and SQLite give the same answers and show the same, whatever is done to them (decision 4.7)",
  { timeout: 120_000 },
  async () => {
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(deeds, { minLength: 10, maxLength: 40 }), async (script) => {
        const clock = new TurnedClock(NOW);
        const stores = [memoryStores({ clock }), openSqlite(":memory:", { clock })];
        const runs = [0, 1, 2].map((number) => new SampleRun(number));
        for (const deed of script) {
          await act(stores, runs, clock, deed);
          expect(await seen(stores[1] as Stores, runs)).toBe(await seen(stores[0] as Stores, runs));
        }
        for (const { run: head } of await collect((stores[0] as Stores).reader.heads("default"))) kinds.add(head?.status ?? "");
        for (const each of stores) await each.close();
      }),
      { numRuns: 120 },
    );
    expect([...kinds].sort()).toEqual(["canceled", "completed", "parked", "queued", "running"]);
  },
);
