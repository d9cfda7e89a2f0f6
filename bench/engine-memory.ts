import type { EventDraft, StoredEvent } from "../src/model/event.js";
import type { Runbook } from "../src/model/runbook.js";
import { benchEnv, benchVerb, chainOf, median } from "./bench-run.js";
import { beginState } from "../src/history/run-state.js";
import { canonicalize } from "../src/json/canonical.js";
import { chainEvent, emptyHead } from "../src/history/chain.js";
import { claimRun } from "../src/engine/claim-run.js";
import { driveRun } from "../src/engine/drive-run.js";
import { eventOf } from "../src/history/read-event.js";
import { fold } from "../src/history/fold.js";
import { memoryStores } from "../src/stores/memory/memory-stores.js";
import { runPlanOf } from "../src/history/run-plan.js";
import { runStream } from "../src/model/ids.js";
import { sha256Hex } from "../src/json/digest.js";
import { submitRun } from "../src/engine/submit-run.js";

/**
 * What a pure step costs on the memory store, events and hash chain on.
 *
 * - growth: time per step of a run of 10,000 steps beside one of 1,000 (mark: at most 1.3)
 * - overhead: a run beside canonical text and SHA-256 of the very events that it wrote, two digests each (mark: at most 5)
 *
 * Rounds alternate; medians are compared. Run it with `npx tsx bench/engine-memory.ts`.
 */
const ROUNDS = 7;

const entry = benchVerb("pure", async (args) => ({ n: (args as { n: number }).n + 1 }));

async function runOnce(runbook: Runbook): Promise<{ readonly ms: number; readonly events: readonly StoredEvent[] }> {
  const stores = memoryStores();
  const parts = { stores, env: benchEnv(), handlers: () => entry };
  const request = { dedupKey: null, queue: "q", priority: 0, labels: {}, concurrency: null, parent: null, by: null };
  const { runId } = await submitRun(parts, { scope: "default", runbook, ...request });
  const claim = { scope: "default", runId, runbook, reason: "wake", build: {}, approvals: null } as const;
  const began = performance.now();
  const claimed = await claimRun(parts, claim);
  if (claimed.kind !== "claimed") throw claimed.error;
  const end = await driveRun(parts, claimed.run);
  const ms = performance.now() - began;
  if (end.kind !== "rested" || end.result.status !== "completed") throw new TypeError(`the bench run ended ${end.kind}`);
  const events: StoredEvent[] = [];
  for await (const event of stores.reader.read("default", runStream(runId))) events.push(event);
  await stores.close();
  return { ms, events };
}

/** Canonical text and SHA-256 of payload and envelope of every event: the work that evidence can't do without. */
function hashAll(events: readonly StoredEvent[]): number {
  const drafts = events.map((event) => ({ event, payload: (eventOf(event) as EventDraft).payload }));
  const began = performance.now();
  for (const { event, payload } of drafts) {
    const payloadDigest = sha256Hex(`runseal/payload/1\n${canonicalize(payload)}`);
    const { prev, stream, seq, kind, v, epoch } = event;
    sha256Hex(`runseal/event/1\n${canonicalize({ prev, stream, seq, kind, v, epoch, payloadDigest })}`);
  }
  return performance.now() - began;
}

/** Redaction, canonical text and both digests of every event, as the writer makes them. */
function chainAll(events: readonly StoredEvent[]): number {
  const drafts = events.map((event) => eventOf(event) as EventDraft);
  const [first] = events;
  let head = emptyHead("default", first?.stream ?? "run/none");
  const began = performance.now();
  for (const draft of drafts) {
    const { seq, hash } = chainEvent(head, draft, 1);
    head = { ...head, seq, hash };
  }
  return performance.now() - began;
}

/** The fold over every event. */
function foldAll(runbook: Runbook, events: readonly StoredEvent[]): number {
  const typed = events.map((event) => eventOf(event));
  const state = beginState(runPlanOf(runbook), "default", "bench");
  const began = performance.now();
  for (const event of typed) fold(state, event);
  return performance.now() - began;
}

const small = chainOf(1_000, () => "pure");
const large = chainOf(10_000, () => "pure");
const perStep: { small: number[]; large: number[]; overhead: number[] } = { small: [], large: [], overhead: [] };
const split: { hashing: number[]; chaining: number[]; folding: number[] } = { hashing: [], chaining: [], folding: [] };
await runOnce(small);
for (let round = 0; round < ROUNDS; round += 1) {
  const many = await Promise.resolve(Array.from({ length: 10 }));
  let ms = 0;
  for (const _ of many) ms += (await runOnce(small)).ms;
  perStep.small.push(ms / 10_000);
  const { ms: largeMs, events } = await runOnce(large);
  perStep.large.push(largeMs / 10_000);
  perStep.overhead.push(largeMs / hashAll(events));
  split.hashing.push(hashAll(events) / largeMs);
  split.chaining.push(chainAll(events) / largeMs);
  split.folding.push(foldAll(large, events) / largeMs);
}
const growth = median(perStep.large) / median(perStep.small);
console.log(`pure step at 1,000 steps:  ${(median(perStep.small) * 1000).toFixed(1)} us`);
console.log(`pure step at 10,000 steps: ${(median(perStep.large) * 1000).toFixed(1)} us`);
console.log(`growth 10,000 : 1,000      ${growth.toFixed(2)} (mark 1.30)`);
console.log(`run : canonical + SHA-256  ${median(perStep.overhead).toFixed(2)} (mark 5.00)`);
const percent = (share: readonly number[]): string => `${(median(share) * 100).toFixed(0)} %`;
console.log(
  `of the time of a run       ${percent(split.chaining)} redacting, writing and hashing events (hashing alone ${percent(split.hashing)}),`,
);
console.log(
  `                           ${percent(split.folding)} folding; the rest is deciding, calling handlers and committing`,
);
