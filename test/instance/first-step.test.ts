import { z } from "zod";
import { expect, test } from "vitest";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, memoryStores, subject } from "runseal";
import type { Stores } from "runseal";

const args = z.object({ n: z.int() });
const result = z.object({ n: z.int() });
const count = defineVerb({ name: "tally.count", version: 1, effect: "write", recovery: "idempotent", args, result });
const pay = defineVerb({ name: "tally.pay", version: 1, effect: "write", recovery: "manual", args, result });
const mark = defineVerb({
  name: "tally.mark",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ n: z.int(), board: subject("board", "write") }),
  result,
});
const ask = defineVerb({ name: "tally.ask", version: 1, effect: "pure", mode: "human_gate", args, result });

const params = z.object({ n: z.int() });
const counted = defineMacro({
  name: "do.count",
  version: 1,
  params,
  body: ({ params: { n }, step }) => void step("s", count, { n }),
});
const paid = defineMacro({ name: "do.pay", version: 1, params, body: ({ params: { n }, step }) => void step("s", pay, { n }) });
const asked = defineMacro({ name: "do.ask", version: 1, params, body: ({ params: { n }, step }) => void step("s", ask, { n }) });
const marked = defineMacro({
  name: "do.mark",
  version: 1,
  params: z.object({ n: z.int(), board: subject("board") }),
  body: ({ params: { n, board }, step }) => void step("s", mark, { n, board }),
});

const catalog = createCatalog({ verbs: [count, pay, mark, ask], macros: [counted, paid, marked, asked] });
const SUBMITTED = ["run.submitted"];
const STARTED = ["lease.taken", "run.started"];

/** An instance whose commits are written down, each as the kinds of its events. */
function open(answer: () => Promise<void> = () => Promise.resolve()) {
  const commits: string[][] = [];
  const inner = memoryStores();
  const stores: Stores = {
    ...inner,
    events: {
      ...inner.events,
      commit: (writes, options) => {
        commits.push(writes.flatMap((write) => write.events.map((event) => event.kind)));
        return inner.events.commit(writes, options);
      },
    },
  };
  const work = async ({ n }: { readonly n: number }) => {
    await answer();
    return { n };
  };
  const handlers = { "tally.count": work, "tally.pay": work, "tally.mark": work };
  return { runseal: createRunseal({ catalog, handlers, stores, policy: allowAll() }), commits, inner };
}

async function sealed(runseal: ReturnType<typeof open>["runseal"], name: string, extra: object = {}): Promise<string> {
  const outcome = await runseal.compile({ name, args: { n: 1, ...extra } }, { uses: "many" });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}

test("a run that needs nothing before its first step enters it in the commit that starts the run: two commits for one step (decision 3.4)", async () => {
  const { runseal, commits } = open();
  const run = await runseal.execute(await sealed(runseal, "do.count"));
  expect(await run.result()).toMatchObject({ status: "completed" });
  expect(commits).toEqual([
    [...SUBMITTED, ...STARTED, "step.entered"],
    ["step.completed", "run.completed"],
  ]);
  expect(await runseal.verify(run.runId)).toMatchObject({ integrity: "ok", problems: [] });
  await runseal.close();
});

test("a worker enters the first step of a queued run with its claim", async () => {
  const { runseal, commits } = open();
  const { runId } = await runseal.submit(await sealed(runseal, "do.count"));
  await runseal.resume(runId);
  expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "completed" });
  expect(commits).toEqual([SUBMITTED, [...STARTED, "step.entered"], ["step.completed", "run.completed"]]);
  await runseal.close();
});

test.each([
  ["do.pay", "a crash before its call would leave it in doubt", {}],
  ["do.mark", "its locks are taken under the lease", { board: "b-1" }],
  ["do.ask", "a person is asked first", {}],
] as const)("%s is not entered with the start: %s", async (name, _why, extra) => {
  const { runseal, commits } = open();
  const run = await runseal.execute(await sealed(runseal, name, extra));
  await run.result();
  expect(commits[0]).toEqual([...SUBMITTED, ...STARTED]);
  await runseal.close();
});

test("what waits in the inbox of a queued run comes before its first step", async () => {
  const { runseal, commits, inner } = open();
  const { runId } = await runseal.submit(await sealed(runseal, "do.count"));
  await inner.inbox.put({ scope: "default", runId, key: "c", kind: "cancel", payload: { reason: "never mind", by: null } });
  expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "canceled" });
  expect(commits.flat()).not.toContain("step.entered");
  await runseal.close();
});

test("a cancel that comes between the start and the first look is heeded while the step's handler runs", async () => {
  let released = (): void => undefined;
  const held = new Promise<void>((resolve) => (released = resolve));
  const { runseal, inner } = open(() => held);
  const run = await runseal.execute(await sealed(runseal, "do.count"));
  await inner.inbox.put({ scope: "default", runId: run.runId, key: "c", kind: "cancel", payload: { reason: "stop", by: null } });
  const ended = run.result();
  released();
  expect(["canceled", "completed"]).toContain((await ended).status);
  await runseal.close();
});
