import type { Env } from "../src/engine/env.js";
import type { HandlerEntry } from "../src/model/handler-entry.js";
import type { Runbook, RunbookContent } from "../src/model/runbook.js";
import { LIMIT_PROFILES } from "../src/model/limits.js";
import { runbookIdOf } from "../src/model/runbook-digest.js";
import { systemClock } from "../src/time/clock.js";

let lastId = 0;

/** The world of a bench: system time, ids that count up. */
export function benchEnv(): Env {
  return {
    ...systemClock,
    random: Math.random,
    entropy: (length) => new Uint8Array(length),
    breathe: () => new Promise((resolve) => void setImmediate(resolve)),
    uuid: () => {
      lastId += 1;
      return `0190a000-0000-7000-8000-${String(lastId).padStart(12, "0")}`;
    },
    inStep: (call) => call(),
  };
}

/** A verb that takes and gives `{n}`; `run` does it. */
export function benchVerb(effect: "pure" | "write", run: NonNullable<HandlerEntry["run"]>): HandlerEntry {
  return {
    contract: {
      name: `bench.${effect}`,
      version: 1,
      args: { type: "json" },
      result: { type: "json" },
      effect,
      ...(effect === "write" && { recovery: "idempotent" as const }),
      mode: "sync",
      retired: false,
      retry: { attemptsMax: 3, baseMs: 200, maxMs: 30_000 },
      timeoutMs: 300_000,
      tags: [],
      replayable: false,
      digest: "c".repeat(64),
    },
    parseArgs: (value) => ({ ok: true, value }),
    parseResult: (value) => ({ ok: true, value: value as { n: number } }),
    run,
  };
}

/** A runbook of steps one after the other; the effect of each is what `effectOf` says. */
export function chainOf(steps: number, effectOf: (n: number) => "pure" | "write"): Runbook {
  const content: RunbookContent = {
    format: 1,
    expressions: 1,
    scope: "default",
    uses: "many",
    steps: Array.from({ length: steps }, (_, n) => {
      const effect = effectOf(n);
      return {
        id: `steps[${n}]/work`,
        verb: `bench.${effect}@1` as const,
        contract: "c".repeat(64),
        args: { n },
        dependsOn: n === 0 ? [] : [`steps[${n - 1}]/work`],
        effect,
        ...(effect === "write" && { recovery: "idempotent" as const }),
        mode: "sync" as const,
        reads: [],
        writes: [],
        lateWrites: [],
        retry: { attemptsMax: 3, baseMs: 200, maxMs: 30_000 },
        timeoutMs: 300_000,
      };
    }),
    execution: { onFailure: "stop" },
    core: { bindings: {}, allocations: [], lookups: [], macroAudits: [], snapshotManifest: {}, limits: LIMIT_PROFILES.runbook },
  };
  const document = { name: "bench", output: {}, sentences: {}, phases: [], explanations: [], remarks: [] };
  return {
    id: runbookIdOf(content),
    documentDigest: "0".repeat(64),
    content,
    steps: content.steps,
    document,
    envelope: { core: content.core, macroAudits: [], lookups: [] },
    contracts: [],
  };
}

/** The middle of some readings. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
