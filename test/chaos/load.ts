import { setTimeout as later } from "node:timers/promises";
import { isRunsealError } from "runseal";
import type { Jobs } from "./job-instance.js";

const ACCOUNTS = 12;

/** Submits jobs, so many open at a time, and keeps what was acknowledged. */
export class Load {
  /** Runs whose submission was acknowledged, by job. */
  readonly submitted = new Map<string, string>();
  /** Calls that failed and were made again. */
  retries = 0;
  readonly #runseal: Jobs;
  readonly #openMax: number;
  #jobs = 0;
  #isOver = false;
  #work: Promise<void> | undefined;

  constructor(runseal: Jobs, openMax: number) {
    this.#runseal = runseal;
    this.#openMax = openMax;
  }

  start(): void {
    this.#work = this.#submitAll();
    // told by `stop`
    this.#work.catch(() => undefined);
  }

  /** Submits no more, and waits for what was begun. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  /** Asks until it is answered: a job is submitted once, however often it is tried. */
  async persist<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        // the store is away, full or busy: it will be back
        if (!isRunsealError(error) || !error.code.startsWith("store.") || error.code === "store.corrupt") throw error;
        this.retries += 1;
        await later(50);
      }
    }
  }

  /** Settles what stands in doubt, as a person would who goes and looks. */
  async settleDoubts(settle: (key: string, attempt: number) => Promise<boolean>): Promise<number> {
    const doubts = await this.persist(() => this.#runseal.doubts());
    for (const { runId, stepId, attempt, idempotencyKey, isDecided } of doubts) {
      if (isDecided) continue;
      const isDone = await settle(idempotencyKey, attempt);
      const outcome = isDone ? ({ outcome: "done", result: { said: "settled" } } as const) : ({ outcome: "not_done" } as const);
      const principal = { issuer: "desk", subject: "ines" };
      try {
        await this.#runseal.resolveDoubt(runId, stepId, { ...outcome, attempt, principal });
      } catch {
        // gone on since, or the store is away: the next look tells
        this.retries += 1;
      }
    }
    return doubts.length;
  }

  async #submitAll(): Promise<void> {
    while (!this.#isOver) {
      const open = await this.persist(() => this.#runseal.list({ status: ["queued", "running", "parked"], limit: 1_000 }));
      for (let free = this.#openMax - open.length; free > 0; free -= 1) await this.#submit();
      await later(30);
    }
  }

  async #submit(): Promise<void> {
    this.#jobs += 1;
    const job = `job-${this.#jobs}`;
    const a = Math.floor(Math.random() * ACCOUNTS);
    const b = (a + 1 + Math.floor(Math.random() * (ACCOUNTS - 1))) % ACCOUNTS;
    const args = { job, a: `acc-${a}`, b: `acc-${b}` };
    const runbookId = await this.#seal(args);
    const { runId } = await this.persist(() => this.#runseal.submit(runbookId));
    this.submitted.set(job, runId);
  }

  async #seal(args: { readonly job: string; readonly a: string; readonly b: string }): Promise<string> {
    for (;;) {
      const invocation = this.#runseal.invocation("job.work", args);
      const outcome = await this.persist(() => this.#runseal.compile(invocation, { intent: args.job }));
      if (outcome.kind === "compiled") return outcome.runbook.id;
      const isAway = outcome.kind === "compilation_error" && outcome.errorKind === "store_failed";
      if (!isAway) throw new TypeError(`"${args.job}" did not compile: ${outcome.kind}`);
      this.retries += 1;
      await later(50);
    }
  }
}
