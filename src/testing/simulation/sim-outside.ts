import type { SimHandlers } from "./sim-verbs.js";
import type { SimHow, SimKind, SimPlan, SimStep } from "./sim-plan.js";
import type { SimProcess } from "./sim-process.js";
import type { SimTruth } from "./sim-truth.js";
import type { StepContext } from "../../model/step-context.js";
import { RunsealError } from "../../errors/error.js";

/** Longer than the handlers of a simulation may take. */
const SLOW_MS = 5_000;

/** The world outside: it outlives every process, and remembers each effect by its idempotency key. */
export class SimOutside {
  readonly #plan: SimPlan;
  readonly #truth: SimTruth;
  /** Which run of the plan a runbook belongs to. */
  readonly #runOf: ReadonlyMap<string, number>;
  readonly #effects = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  /** Whether an effect can come late: a process that was frozen does not know that its lease has ended. */
  readonly #canBeLate: boolean;
  #facts = 0;

  constructor(plan: SimPlan, truth: SimTruth, runOf: ReadonlyMap<string, number>) {
    this.#plan = plan;
    this.#truth = truth;
    this.#runOf = runOf;
    this.#canBeLate = plan.events.some((event) => event.kind === "freeze");
  }

  /** Whether an effect happened: what a person would find out. */
  happened(idempotencyKey: string): boolean {
    return this.#effects.has(idempotencyKey);
  }

  /** Handlers of one process. */
  handlers(host: SimProcess): SimHandlers {
    return {
      run: (kind, context) => this.#run(host, kind, context),
      reconcile: (context) => this.#reconcile(host, context),
    };
  }

  async #run(host: SimProcess, kind: SimKind, context: StepContext): Promise<unknown> {
    const { runId, stepId, attempt } = context;
    this.#truth.called({ runId, stepId, attempt, isPure: kind === "pure" });
    const step = this.#stepOf(runId, stepId);
    const how = this.#howOf(runId, step);
    if (how === "slow") await host.sleep(SLOW_MS);
    if (kind === "fact") await this.#fact(host, context);
    if (kind === "read") await orOutage(host.outside(() => undefined));
    if (kind !== "pure" && kind !== "read" && kind !== "fact") {
      await orOutage(host.outside(() => this.#effect(host, kind, context)));
    }
    return this.#end(step, how, context);
  }

  #end(step: SimStep, how: SimHow, context: StepContext): unknown {
    switch (how) {
      case "fails":
        return Promise.reject(outage(step.id));
      case "gives_up":
        return Promise.reject(Object.assign(outage(step.id), { retryable: false }));
      case "never":
        return new Promise(() => undefined);
      case "bad_result":
        return 0.5;
      case "no":
      case "ok":
      case "slow":
        if (step.kind !== "durable") return how === "no" ? "no" : step.id;
        return context.park({ key: step.id, ...(step.waitMs !== null && { until: `${step.waitMs}ms` }) });
    }
  }

  async #fact(host: SimProcess, context: StepContext): Promise<void> {
    const key = `fact.${context.stepId}`;
    await context.fact(key, () =>
      orOutage(
        host.outside(() => {
          this.#facts += 1;
          const isKnown = this.#truth.runs.get(context.runId)?.facts.has(key) === true;
          if (isKnown && !this.#canBeLate) this.#truth.violate("fact_asked_once", `"${key}" was asked again after its record`);
          return this.#facts;
        }),
      ),
    );
  }

  #effect(host: SimProcess, kind: SimKind, context: StepContext): void {
    if (context.signal.aborted) return;
    const key = context.idempotencyKey;
    const isHonoured = kind === "idempotent" || kind === "durable";
    const count = isHonoured ? 1 : (this.#effects.get(key) ?? 0) + 1;
    this.#effects.set(key, count);
    if (count === 1 || this.#canBeLate) return;
    this.#truth.violate("effect_at_most_once", `"${context.stepId}" had its effect ${count} times, the last in ${host.name}`);
  }

  async #reconcile(host: SimProcess, context: StepContext): Promise<unknown> {
    const key = context.idempotencyKey;
    return orOutage(
      host.outside(() => (this.#effects.has(key) ? { kind: "done", result: context.stepId } : { kind: "not_done" })),
    );
  }

  #stepOf(runId: string, stepId: string): SimStep {
    const index = this.#runOf.get(this.#truth.runs.get(runId)?.head.runbookId ?? "") ?? 0;
    const step = this.#plan.runs[index]?.steps.find(({ id }) => id === stepId);
    return (
      step ?? {
        id: stepId,
        kind: "pure",
        dependsOn: [],
        how: ["ok"],
        entity: "",
        isConditional: false,
        isOptional: false,
        waitMs: null,
      }
    );
  }

  /** Each call of a step goes as its plan says, however many attempts crashes have made of it. */
  #howOf(runId: string, step: SimStep): SimHow {
    const name = `${runId}/${step.id}`;
    const calls = this.#calls.get(name) ?? 0;
    this.#calls.set(name, calls + 1);
    return step.how[calls] ?? "ok";
  }
}

async function orOutage<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch {
    return Promise.reject(outage(""));
  }
}

/** What a caller hears when the line to the outside is cut. */
function outage(stepId: string): Error {
  return Object.assign(new RunsealError("step.handler_threw", "the line is cut", { stepId }), { category: "network" });
}
