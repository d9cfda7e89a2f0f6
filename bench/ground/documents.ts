import type { JsonValue } from "../../src/json/value.js";

/** Documents like those this package hashes: an event of 200 B and plans of 2 KB, 100 KB and 1 MB, members as an author writes them. */
export function planDocuments(): ReadonlyMap<string, JsonValue> {
  return new Map<string, JsonValue>([
    ["200 B", event],
    ["2 KB", planOf(2_000)],
    ["100 KB", planOf(100_000)],
    ["1 MB", planOf(1_000_000)],
  ]);
}

/** Documents of 100 KB with much of one thing: doubles (outside the restricted model), text that needs escapes, wide arrays. */
export function skewedDocuments(): ReadonlyMap<string, unknown> {
  const doubles = Array.from({ length: 5_500 }, (_, index) => Math.sqrt(index + 2));
  const escapes = Array.from({ length: 2_000 }, (_, index) => `line ${index}\n"quoted" \\ é 😀 and more text`);
  const integers = Array.from({ length: 15_000 }, (_, index) => index * 977);
  return new Map<string, unknown>([
    ["100 KB of doubles", doubles],
    ["100 KB of escapes", escapes],
    ["100 KB of integers", integers],
  ]);
}

/** The same value with the members of every object in sorted order, as a canonical text that was parsed again has them. */
export function sortedCopy(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value, sortMembers)) as JsonValue;
}

const event: JsonValue = {
  runId: "run-1",
  kind: "step.completed",
  seq: 42,
  at: 1_748_779_200_000,
  data: { ok: true, amount: 1250, currency: "EUR", note: null },
  tags: ["a", "b"],
  actor: "ops@example.com",
};

function planOf(bytes: number): JsonValue {
  const steps: JsonValue[] = [];
  for (let size = 0; size < bytes; size += 285) steps.push(stepOf(steps.length));
  return { scope: "tenant-7", intent: "ticket-4711", format: 1, steps };
}

function stepOf(index: number): JsonValue {
  return {
    stepId: `accounts[EUR-${index}]/open`,
    verb: "account.open@1",
    args: {
      currency: ["EUR", "USD", "GBP"][index % 3] ?? "EUR",
      accountId: `6f1c2d3e-0000-4000-8000-${String(index).padStart(12, "0")}`,
      limit: index * 100,
      note: index % 5 === 0 ? 'says "hi"\n' : "opened for the customer",
      overdraft: index % 2 === 0,
    },
    dependsOn: index > 0 ? [`accounts[EUR-${index - 1}]/open`] : [],
    mode: "sync",
    recovery: "idempotent",
    retry: { attempts: 3, baseMs: 200 },
    timeoutMs: 30_000,
  };
}

function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
