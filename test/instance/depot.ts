import { onTestFinished } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, memoryStores, subject } from "runseal";
import type { AnyEvent, Handlers, Runseal, RunsealOptions, Stores } from "runseal";
import { openSqlite } from "runseal/sqlite";
import { allowUnlocked, manualClock } from "runseal/testing";
import { tempFile } from "../sqlite/temp-file.js";

/** A depot: goods are taken from a shelf, sent, and noted; most of it can be undone. */
const shelf = subject("shelf", "write");

export const take = defineVerb({
  name: "goods.take",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ shelf, count: z.int() }),
  result: z.object({ ticket: z.string(), left: z.int() }),
  undo: { verb: "goods.put", args: ({ args, result }) => ({ shelf: args.shelf, count: args.count, ticket: result.ticket }) },
});
export const put = defineVerb({
  name: "goods.put",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ shelf, count: z.int(), ticket: z.string() }),
  result: z.object({ left: z.int() }),
  undo: { verb: "goods.take", args: ({ args }) => ({ shelf: args.shelf, count: args.count }) },
});
export const send = defineVerb({
  name: "parcel.send",
  version: 1,
  effect: "write",
  recovery: "manual",
  args: z.object({ order: subject("order", "write"), ticket: z.string() }),
  result: z.object({ parcel: z.string() }),
  undo: { verb: "parcel.recall", args: ({ result }) => ({ parcel: result.parcel }) },
});
export const recall = defineVerb({
  name: "parcel.recall",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ parcel: subject("parcel", "write") }),
  result: z.object({}),
});
export const note = defineVerb({
  name: "ledger.note",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ book: subject("book", "write"), text: z.string() }),
  result: z.object({ line: z.int() }),
});
export const sum = defineVerb({
  name: "math.sum",
  version: 1,
  effect: "pure",
  args: z.object({ values: z.array(z.int()) }),
  result: z.object({ sum: z.int() }),
});
export const ask = defineVerb({
  name: "boss.ask",
  version: 1,
  effect: "pure",
  mode: "human_gate",
  args: z.object({ about: z.string() }),
  result: z.object({ answer: z.string() }),
});

/** Take, send, and count: undone as a whole. */
export const deliver = defineMacro({
  name: "depot.deliver",
  version: 1,
  params: z.object({ order: subject("order"), count: z.int() }),
  body: ({ params, step }) => {
    const taken = step("take", take, { shelf: "s-1", count: params.count });
    const sent = step("send", send, { order: params.order, ticket: taken.result.ticket });
    const total = step("total", sum, { values: [taken.result.left, 1] }, { after: [sent] });
    return { parcel: sent.result.parcel, total: total.result.sum };
  },
});
/** Two branches that have nothing to do with each other: a parcel, and a shelf. */
export const both = defineMacro({
  name: "depot.both",
  version: 1,
  params: z.object({ order: subject("order") }),
  body: ({ params, step }) => {
    const sent = step("send", send, { order: params.order, ticket: "t" });
    const other = step("other", take, { shelf: "s-2", count: 1 });
    step("after_other", take, { shelf: "s-2", count: other.result.left });
    const last = step("last", sum, { values: [1, 2] }, { after: [sent] });
    return { sum: last.result.sum };
  },
});
/** Waits for a person between two writes; the second one can't be undone. */
export const asked = defineMacro({
  name: "depot.asked",
  version: 1,
  params: z.object({ count: z.int() }),
  body: ({ params, step }) => {
    const taken = step("take", take, { shelf: "s-1", count: params.count });
    const allowed = step("ask", ask, { about: "more" }, { after: [taken] });
    const noted = step("note", note, { book: "b-1", text: taken.result.ticket }, { after: [allowed] });
    return { line: noted.result.line };
  },
});

/** What takes the place of `asked`: another shelf for the second half, and nobody is asked twice. */
export const askedAnew = defineMacro({
  name: "depot.asked_anew",
  version: 1,
  params: z.object({ count: z.int() }),
  body: ({ params, step }) => {
    const taken = step("take", take, { shelf: "s-1", count: params.count });
    const more = step("more", take, { shelf: "s-2", count: params.count }, { after: [taken] });
    const noted = step("note", note, { book: "b-1", text: taken.result.ticket }, { after: [more] });
    return { line: noted.result.line, more: more.result.ticket };
  },
});
/** What takes the place of `deliver`: the delivery is noted too. */
export const deliverNoted = defineMacro({
  name: "depot.deliver_noted",
  version: 1,
  params: z.object({ order: subject("order"), count: z.int() }),
  body: ({ params, step }) => {
    const taken = step("take", take, { shelf: "s-1", count: params.count });
    const sent = step("send", send, { order: params.order, ticket: taken.result.ticket });
    const noted = step("note", note, { book: "b-1", text: sent.result.parcel });
    return { parcel: sent.result.parcel, line: noted.result.line };
  },
});

export const depot = createCatalog({
  verbs: [take, put, send, recall, note, sum, ask],
  macros: [deliver, both, asked, askedAnew, deliverNoted],
});

type Answer = (args: never, ctx: { stepId: string; attempt: number; idempotencyKey: string; signal: AbortSignal }) => unknown;

/** What handlers do unless a test says otherwise; each call is remembered as `verb stepId`. */
export function openDepot(
  stores: Stores,
  options: { readonly answers?: { readonly [verb: string]: Answer } } & Partial<RunsealOptions<typeof depot>> = {},
) {
  const { answers = {}, ...rest } = options;
  const calls: string[] = [];
  const keys: Record<string, string[]> = {};
  const plain: { readonly [verb: string]: Answer } = {
    "goods.take": ({ count }: { count: number }) => ({ ticket: `t-${count}`, left: 10 - count }),
    "goods.put": ({ count }: { count: number }) => ({ left: 10 + count }),
    "parcel.send": ({ ticket }: { ticket: string }) => ({ parcel: `p-${ticket}` }),
    "parcel.recall": () => ({}),
    "ledger.note": () => ({ line: 1 }),
    "math.sum": ({ values }: { values: number[] }) => ({ sum: values.reduce((a, b) => a + b, 0) }),
  };
  const handlers: Record<string, unknown> = Object.fromEntries(
    Object.entries(plain).map(([verb, answer]) => [
      verb,
      async (args: never, ctx: Parameters<Answer>[1]) => {
        calls.push(`${verb} ${ctx.stepId}`);
        (keys[ctx.stepId] ??= []).push(ctx.idempotencyKey);
        return (answers[verb] ?? answer)(args, ctx);
      },
    ]),
  );
  const runseal = createRunseal({
    catalog: depot,
    handlers: handlers as Handlers<typeof depot>,
    policy: allowAll(),
    ...rest,
    stores,
  });
  return { runseal, calls, keys };
}

/** Stores of two processes over the same data, and the clock of both: a crash is a first process that nobody hears of again. */
export interface TwoProcesses {
  readonly first: Stores;
  readonly second: Stores;
  /** Lets the lease of a process that is gone run out. */
  readonly outlast: () => Promise<void>;
}

/** The two kinds of stores that every story is told over. */
export const STORES: readonly (readonly [string, () => TwoProcesses])[] = [
  [
    "memory",
    () => {
      const clock = manualClock();
      const first = memoryStores({ clock });
      return { first, second: memoryStores({ sharedWith: first }), outlast: () => clock.advance(11_000) };
    },
  ],
  [
    "SQLite",
    () => {
      const clock = manualClock();
      const file = tempFile();
      const first = openSqlite(file, { clock, owner: "first" });
      const second = openSqlite(file, { clock, owner: "second" });
      onTestFinished(async () => {
        await first.close();
        await second.close();
      });
      return { first, second, outlast: () => clock.advance(11_000) };
    },
  ],
];

/** A handler that never ends, and a promise of its having been called. */
export function hanging() {
  let reached = (): void => undefined;
  const called = new Promise<void>((resolve) => {
    reached = resolve;
  });
  return {
    called,
    answer: (): Promise<never> => {
      reached();
      return new Promise<never>(() => undefined);
    },
  };
}

/** Compiles and insists on a runbook. */
export async function sealed(runseal: Runseal<typeof depot>, name: string, args: unknown, intent = "t-1") {
  const outcome = await runseal.compile({ name, args }, { intent });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook;
}

/** The log of a run, one line an event: kind, step, attempt, code or who. */
export async function story(runseal: Pick<Runseal, "history">, runId: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const event of runseal.history(runId)) lines.push(lineOf(event));
  return lines;
}

function lineOf(event: AnyEvent): string {
  const payload = event.payload as { readonly [member: string]: unknown };
  const named = ["stepId", "attempt", "code", "verdict", "by", "reason"];
  return [
    event.kind,
    ...named.map((name) => payload[name]).filter((value) => typeof value === "string" || typeof value === "number"),
  ].join(" ");
}

/** The process of `first` is gone in the middle of a handler: the lease has run out, and nothing was written since. */
export async function crashedIn(
  processes: TwoProcesses,
  verb: string,
  invocation: { readonly name: string; readonly args: unknown },
  options: { readonly onFailure?: "stop" | "continue_independent"; readonly concurrency?: number } = {},
): Promise<string> {
  const { called, answer } = hanging();
  // its own clock stands still, so that it never renews its lease, and it holds no lock: as if it were gone
  const gone = { clock: manualClock(), unlocked: allowUnlocked() };
  const { locks: _locks, ...stores } = processes.first;
  const { runseal } = openDepot(stores, { answers: { [verb]: answer }, ...gone });
  const execution = options.onFailure === undefined ? {} : { execution: { onFailure: options.onFailure } };
  const outcome = await runseal.compile(invocation, { intent: "t-1", ...execution });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  const { concurrency } = options;
  const run = await runseal.execute(outcome.runbook.id, concurrency === undefined ? {} : { concurrency });
  await called;
  await processes.outlast();
  return run.runId;
}
