import { z } from "zod";
import { createCatalog, defineMacro } from "runseal";
import { agree, ask, book, call, join, look, note, pay, send, verbs } from "./world.js";

const say = z.object({ a: z.string(), b: z.string() });

const sequential = defineMacro({
  name: "story.sequential",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const first = step("first", note, { account: params.a, say: "one" });
    const seen = step("seen", look, { say: first.result.noted });
    const both = step("both", join, { parts: [first.result.noted, seen.result.noted] });
    const last = step("last", note, { account: params.b, say: both.result.noted });
    return { last: last.result.noted };
  },
});
const parallel = defineMacro({
  name: "story.parallel",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const left = step("left", note, { account: params.a, say: "left" });
    const right = step("right", note, { account: params.b, say: "right" });
    const seen = step("seen", look, { say: "seen" });
    const both = step("both", note, { account: params.a, say: "both" }, { after: [left, right] });
    const all = step("all", join, {
      parts: [left.result.noted, right.result.noted, seen.result.noted, both.result.noted],
    });
    return { all: all.result.noted };
  },
});
const parked = defineMacro({
  name: "story.parked",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const first = step("first", note, { account: params.a, say: "one" });
    const sent = step("sent", send, { account: params.b, say: "please" }, { after: [first] });
    const last = step("last", note, { account: params.a, say: sent.result.noted });
    return { answer: last.result.noted };
  },
});
const gated = defineMacro({
  name: "story.gated",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const first = step("first", note, { account: params.a, say: "one" });
    const yes = step("yes", agree, { say: "may I?" }, { after: [first] });
    const last = step("last", note, { account: params.a, say: yes.result.noted });
    return { answer: last.result.noted };
  },
});
const doubtful = defineMacro({
  name: "story.doubtful",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const first = step("first", note, { account: params.a, say: "one" });
    const paid = step("paid", pay, { account: params.b, say: "ten" }, { after: [first] });
    const last = step("last", note, { account: params.a, say: paid.result.noted });
    return { answer: last.result.noted };
  },
});
const reconciled = defineMacro({
  name: "story.reconciled",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const first = step("first", book, { account: params.a, say: "one" });
    const second = step("second", book, { account: params.b, say: first.result.noted });
    return { answer: second.result.noted };
  },
});
const late = defineMacro({
  name: "story.late",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const named = step("named", look, { say: params.a });
    const first = step("first", note, { account: named.result.noted, say: "late" });
    const second = step("second", note, { account: params.b, say: first.result.noted });
    return { answer: second.result.noted };
  },
});

const asking = defineMacro({
  name: "story.asking",
  version: 1,
  params: say,
  body: ({ params, step }) => {
    const asked = step("asked", ask, { say: "what" });
    const first = step("first", note, { account: params.a, say: asked.result.noted });
    return { answer: first.result.noted };
  },
});

const calling = defineMacro({
  name: "story.calling",
  version: 1,
  params: z.object({ a: z.string(), b: z.string(), child: z.string() }),
  body: ({ params, step }) => {
    const called = step("called", call, { first: params.a, second: params.b, child: params.child });
    const last = step("last", note, { account: params.a, say: called.result.noted });
    return { answer: last.result.noted };
  },
});

export const stories = createCatalog({
  verbs,
  macros: [sequential, parallel, parked, gated, doubtful, reconciled, late, asking, calling],
});

/** One story that is told again and again, each time with another fault. */
export interface Scenario {
  readonly name: string;
  /** Runs of it, each the arguments of one; more than one run over the same accounts wait for each other's locks. */
  readonly runs: readonly { readonly macro: string; readonly args: { readonly a: string; readonly b: string } }[];
  /** A macro that is sealed first, and whose id the runs get as `child`. */
  readonly child?: string;
  readonly concurrency: number;
  /** Calls of a step that fail before one succeeds. */
  readonly failing?: { readonly [stepId: string]: number };
  /** `execute` starts it in the calling process, `submit` leaves it to the worker. */
  readonly start: "execute" | "submit";
  /** Store calls of an undisturbed play, at least: a loop over fewer would prove nothing. */
  readonly callsMin: number;
}

const accounts = { a: "acc-1", b: "acc-2" };
const one = (macro: string) => [{ macro, args: accounts }];

export const scenarios: readonly Scenario[] = [
  { name: "sequential", runs: one("story.sequential"), concurrency: 1, callsMin: 17, start: "execute" },
  { name: "parallel", runs: one("story.parallel"), concurrency: 3, callsMin: 12, start: "submit" },
  { name: "parked and signaled", runs: one("story.parked"), concurrency: 1, callsMin: 37, start: "submit" },
  { name: "human gate", runs: one("story.gated"), concurrency: 1, callsMin: 42, start: "execute" },
  {
    name: "retrying",
    runs: one("story.sequential"),
    concurrency: 1,
    callsMin: 27,
    start: "submit",
    failing: { first: 2, seen: 1 },
  },
  { name: "in doubt", runs: one("story.doubtful"), concurrency: 1, callsMin: 12, start: "submit", failing: { paid: 1 } },
  { name: "manual", runs: one("story.doubtful"), concurrency: 1, callsMin: 16, start: "execute" },
  { name: "reconciled", runs: one("story.reconciled"), concurrency: 1, callsMin: 10, start: "submit" },
  { name: "child runs", runs: one("story.calling"), child: "story.reconciled", concurrency: 1, callsMin: 17, start: "submit" },
  { name: "facts", runs: one("story.asking"), concurrency: 1, callsMin: 13, start: "submit" },
  { name: "late writes", runs: one("story.late"), concurrency: 2, callsMin: 18, start: "execute" },
  {
    name: "two runs and their locks",
    runs: [
      { macro: "story.sequential", args: accounts },
      { macro: "story.late", args: { a: "acc-2", b: "acc-1" } },
    ],
    concurrency: 1,
    callsMin: 32,
    start: "submit",
  },
];
