import { setTimeout as later } from "node:timers/promises";
import { isRunsealError } from "runseal";
import type { RunResult } from "runseal";
import type { FaultPoint } from "runseal/testing";
import type { PlotProcess } from "./process.js";

/** What a process does from its start to its end; another one does the same again after a crash, and nothing happens twice. */
export interface PlotScenario {
  readonly live: (process: PlotProcess) => Promise<void>;
  /** What a new process does first. */
  readonly begin: "recover" | "look";
  /** Steps that are called in an undisturbed run, in any order. */
  readonly steps: readonly string[];
  /** Of its runs, the newest first. */
  readonly statuses: readonly ("completed" | "canceled")[];
}

interface ArgsOf {
  readonly [name: string]: string;
}
const defaults: ArgsOf = { a: "acc-1", b: "acc-2" };

/** Every scenario that processes are killed in. */
export const plotScenarios: Readonly<Record<string, PlotScenario>> = {
  long: {
    live: async (process) => {
      process.meanwhile = (_stepId, runId) => earlyWord(process, runId);
      await play(process, "plot.long", 2);
    },
    begin: "recover",
    steps: ["fetched", "shaky", "booked", "late", "left", "right", "told", "sent", "last"],
    statuses: ["completed"],
  },
  doubtful: {
    live: async (process) => {
      // the doubt is on record before the step beside it ends
      process.meanwhile = async () => (process.isFirst ? passed(process, "failed.after_commit") : undefined);
      await play(process, "plot.doubtful", 2);
    },
    begin: "recover",
    steps: ["first", "paid", "beside", "last"],
    statuses: ["completed"],
  },
  drained: {
    live: async (process) => {
      let closed: Promise<void> | undefined;
      process.meanwhile = async () => {
        await passed(process, "lease.after_renew");
        if (process.isFirst) closed = process.runseal.close();
      };
      const run = await started(process, "plot.drained", 1);
      while (closed === undefined && (await process.runseal.status(run)).status === "running") await later(2);
      if (closed === undefined) await (await process.runseal.resume(run)).result();
      await closed;
    },
    begin: "recover",
    steps: ["first", "last"],
    statuses: ["completed"],
  },
  credited: {
    live: async (process) => {
      const runId = await started(process, "plot.credited", 1);
      await (await process.runseal.handle(runId)).result();
    },
    begin: "recover",
    // the credit is in the stores' own file: the output tells how often it is there
    steps: ["first", "last"],
    statuses: ["completed"],
  },
  undone: {
    live: async (process) => {
      const { runseal } = process;
      const runId = await started(process, "plot.opened", 1);
      await (await runseal.handle(runId)).result();
      const { runbook } = await runseal.undoPlan(runId);
      await approved(process, runbook.id);
      await (await runseal.execute(runbook.id)).result();
    },
    begin: "recover",
    // in the order in which they must happen
    steps: ["first", "second", "undo/second", "undo/first"],
    statuses: ["completed", "completed"],
  },
  family: {
    live: async (process) => {
      const { runseal } = process;
      const child = await sealed(process, "plot.drained", { a: "acc-1", b: "acc-1" });
      const parent = await sealed(process, "plot.family", { account: "acc-1", child });
      await approved(process, parent);
      const run = await runseal.execute(parent);
      for (let result = await run.result(); result.status === "parked"; result = await run.result()) {
        if (result.reason === "human_gate") {
          const yes = { verdict: "approve", payload: { noted: "yes" }, principal: { subject: "ines" } } as const;
          await runseal.decide(run.runId, "asked", yes);
        }
        await runseal.resume(run.runId);
      }
    },
    begin: "recover",
    steps: ["first", "last"],
    statuses: ["completed", "completed"],
  },
  queued: {
    live: async ({ runseal }) => {
      const [known] = await runseal.list();
      if (known?.status === "canceled") return;
      const run = await runseal.submit(known?.runbookId ?? (await sealed({ runseal }, "plot.drained")));
      await run.cancel("not wanted").catch((error: unknown) => {
        if (!isRunsealError(error, "run.terminal")) throw error;
      });
    },
    begin: "look",
    steps: [],
    statuses: ["canceled"],
  },
};

type PlotName = "plot.long" | "plot.doubtful" | "plot.drained" | "plot.opened" | "plot.family" | "plot.credited";

/** A signal that comes while a step runs; the step ends when it is history. */
async function earlyWord({ runseal }: PlotProcess, runId: string): Promise<void> {
  await runseal.signal(runId, "early", { word: "go" });
  for (;;) {
    for await (const event of runseal.history(runId)) if (event.kind === "signal.received") return;
    await later(2);
  }
}

async function passed(process: PlotProcess, point: FaultPoint): Promise<void> {
  while (!process.passed.has(point)) await later(2);
}

async function sealed({ runseal }: Pick<PlotProcess, "runseal">, name: PlotName, args: ArgsOf = defaults): Promise<string> {
  const outcome = await runseal.compile({ name, args }, { intent: "kill" });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  return outcome.runbook.id;
}

async function started(process: PlotProcess, name: PlotName, concurrency: number): Promise<string> {
  const { runseal } = process;
  const id = await sealed(process, name);
  await approved(process, id);
  return (await runseal.execute(id, { concurrency })).runId;
}

async function approved({ runseal }: PlotProcess, id: string): Promise<void> {
  if ((await runseal.approvals(id)).length > 0) return;
  const { documentDigest } = await runseal.preview(id);
  await runseal.approve(id, { principal: { subject: "ines" }, viewed: documentDigest });
}

async function play(process: PlotProcess, name: "plot.long" | "plot.doubtful", concurrency: number): Promise<void> {
  const runId = await started(process, name, concurrency);
  const run = await process.runseal.handle(runId);
  for (let result = await run.result(); result.status === "parked"; result = await run.result()) {
    await answer(process, result);
    await process.runseal.resume(runId);
  }
}

/** A person's part: answers the wait, and looks at the account before they settle a doubt. */
async function answer({ runseal, outside }: PlotProcess, parked: Extract<RunResult, { status: "parked" }>): Promise<void> {
  const { runId, stepId, key } = parked;
  if (parked.reason === "awaiting_signal" && key !== null) return runseal.signal(runId, key, { noted: "thank you" });
  const principal = { subject: "ines" };
  const doubts = await runseal.doubts();
  const doubt = doubts.find((candidate) => candidate.stepId === stepId);
  // it was settled by a process that was killed before it went on
  if (doubt === undefined || stepId === null) return;
  const isDone = outside.has("effect", doubt.idempotencyKey);
  const outcome = isDone ? ({ outcome: "done", result: { noted: "one" } } as const) : ({ outcome: "not_done" } as const);
  await runseal.resolveDoubt(runId, stepId, { principal, ...outcome });
}
