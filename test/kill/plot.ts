import { z } from "zod";
import { createCatalog, defineMacro, defineVerb, subject } from "runseal";

const text = z.string();
const account = subject("account", "write");
const result = z.object({ noted: text });
const retry = { attemptsMax: 4, baseMs: 5, maxMs: 10 } as const;

const args = z.object({ account, say: text });
const fields = { version: 1, effect: "write", args, result } as const;

const fetch_ = defineVerb({ name: "plot.fetch", version: 1, effect: "read", args: z.object({ say: text }), result, retry });
const note = defineVerb({ ...fields, name: "plot.note", recovery: "idempotent", retry });
const slow = defineVerb({ ...fields, name: "plot.slow", recovery: "idempotent", retry });
const book = defineVerb({ ...fields, name: "plot.book", recovery: "reconcile", retry });
const pay = defineVerb({ ...fields, name: "plot.pay", recovery: "manual", timeout: "200ms" });
const report = defineVerb({ ...fields, name: "plot.report", recovery: "idempotent", retry });
const send = defineVerb({ ...fields, name: "plot.send", recovery: "idempotent", mode: "durable", retry });

const shut = defineVerb({ ...fields, name: "plot.shut", recovery: "reconcile", retry });
const open = defineVerb({
  ...fields,
  name: "plot.open",
  recovery: "idempotent",
  retry,
  undo: { verb: "plot.shut", args: ({ args, result }) => ({ account: args.account, say: result.noted }) },
});

const call = defineVerb({
  ...fields,
  name: "plot.call",
  recovery: "idempotent",
  args: z.object({ account, child: text }),
  retry,
});
const agree = defineVerb({
  name: "plot.agree",
  version: 1,
  effect: "pure",
  mode: "human_gate",
  args: z.object({ say: text }),
  result,
});

const credit = defineVerb({ ...fields, name: "plot.credit", recovery: "manual", transactional: true, retry });

const params = z.object({ a: text, b: text });

/** Nearly all that a run can do: facts, retries, questions back, late locks, two steps at a time, large artifacts, a wait. */
const long = defineMacro({
  name: "plot.long",
  version: 1,
  params,
  body: ({ params, step }) => {
    const fetched = step("fetched", fetch_, { say: params.a });
    const shaky = step("shaky", note, { account: params.a, say: fetched.result.noted });
    const booked = step("booked", book, { account: params.b, say: shaky.result.noted });
    const late = step("late", note, { account: fetched.result.noted, say: booked.result.noted });
    const left = step("left", slow, { account: params.a, say: "left" }, { after: [late] });
    const right = step("right", note, { account: params.b, say: "right" }, { after: [late] });
    const told = step("told", report, { account: params.a, say: left.result.noted }, { after: [right] });
    const sent = step("sent", send, { account: params.b, say: told.result.noted });
    const last = step("last", note, { account: params.a, say: sent.result.noted });
    return { left: left.result.noted, last: last.result.noted };
  },
});

/** A payment that does not answer, and a person who looks whether it went through. */
const doubtful = defineMacro({
  name: "plot.doubtful",
  version: 1,
  params,
  body: ({ params, step }) => {
    const first = step("first", note, { account: params.a, say: "one" });
    const paid = step("paid", pay, { account: params.b, say: first.result.noted });
    step("beside", slow, { account: params.a, say: "beside" }, { after: [first] });
    const last = step("last", note, { account: params.a, say: paid.result.noted });
    return { last: last.result.noted };
  },
});

/** Two writes, and a process that wants to stop after the first. */
const drained = defineMacro({
  name: "plot.drained",
  version: 1,
  params,
  body: ({ params, step }) => {
    const first = step("first", slow, { account: params.a, say: "one" });
    const last = step("last", note, { account: params.b, say: first.result.noted });
    return { last: last.result.noted };
  },
});

/** Two writes that can be undone. */
const opened = defineMacro({
  name: "plot.opened",
  version: 1,
  params,
  body: ({ params, step }) => {
    const first = step("first", open, { account: params.a, say: "one" });
    const second = step("second", open, { account: params.b, say: first.result.noted });
    return { last: second.result.noted };
  },
});

/** A step that runs another sealed runbook, and waits for a person before and after it. */
const family = defineMacro({
  name: "plot.family",
  version: 1,
  params: z.object({ account, child: text }),
  body: ({ params, step }) => {
    const asked = step("asked", agree, { say: "may I?" });
    const called = step("called", call, { account: params.account, child: params.child }, { after: [asked] });
    return { called: called.result.noted };
  },
});

/** A write to the stores' own database between two that go elsewhere. */
const credited = defineMacro({
  name: "plot.credited",
  version: 1,
  params,
  body: ({ params, step }) => {
    const first = step("first", note, { account: params.a, say: "one" });
    const booked = step("credited", credit, { account: params.b, say: first.result.noted });
    const last = step("last", note, { account: params.a, say: booked.result.noted });
    return { last: last.result.noted };
  },
});

/** What the processes of every scenario compile from. */
export const plots = createCatalog({
  verbs: [fetch_, note, slow, book, pay, report, send, shut, open, call, agree, credit],
  macros: [long, doubtful, drained, opened, family, credited],
});
