import { defineVerb, subject, toposort, type JsonValue, type Verb } from "runseal";
import { z } from "zod";
import { defineDraft } from "./define-draft.js";
import { data, record, type StepDraft } from "./draft.js";
import type { Findings } from "./findings.js";
import { labelStem, legalLabels } from "./labels.js";
import type { Conversion } from "./run-importer.js";
import { orderNodes, type GraphNode } from "./source-graph.js";
import { variantWords, VerbNames } from "./verb-names.js";

/** A job of a Pegasus workflow; `after` holds the dependencies that the workflow spells out. */
export interface PegasusJob extends GraphNode {
  /** `namespace::name:version`, as far as given: the program. */
  readonly transformation: string;
  readonly transformationName: string;
  readonly arguments: readonly string[];
  /** Files by logical name. One that is both is in both. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Settings for the systems below, as they stand. */
  readonly profiles: JsonValue;
  /** Attempts in total. */
  readonly tries: number;
}

/**
 * Makes one macro of the jobs of a workflow, and a verb of every program.
 *
 * A job reads and writes files as it declares, so that the write-set of the plan is the declared outputs. Running a job again
 * makes its outputs again, which is how Pegasus itself recovers: `idempotent`.
 */
export function convertJobs(name: string, jobs: readonly PegasusJob[], findings: Findings): Conversion | undefined {
  if (jobs.length === 0) return findings.refuse("import.missing_member", "", "the workflow has no jobs");
  const order = orderNodes(withDataFlow(jobs, findings), findings);
  if (order === undefined || findings.isRefused()) return undefined;
  const labels = legalLabels(order.map((job) => job.name));
  const verbs = new PegasusVerbs();
  const steps = order.map((job): StepDraft => {
    const verb = verbs.verbOf(job);
    return {
      label: labels.get(job.name) ?? "",
      name: job.name,
      pointer: job.pointer,
      calls: { verb },
      args: record({
        transformation: data(job.transformation),
        arguments: data(job.arguments),
        reads: data(job.reads),
        writes: data(job.writes),
        profiles: data(job.profiles),
      }),
      after: [...new Set(job.after.flatMap((before) => labels.get(before.name) ?? []))],
    };
  });
  const macro = defineDraft({ name: `workflow.${labelStem(name)}`, params: z.object({}), steps, output: [] });
  return {
    name,
    root: macro,
    macros: [macro],
    verbs: verbs.all,
    steps: steps.map((step) => ({ name: step.name, pointer: step.pointer, macro: macro.name, label: step.label })),
  };
}

/** A job that reads a file comes after the jobs that make it, also where the workflow leaves that to be seen. */
function withDataFlow(jobs: readonly PegasusJob[], findings: Findings): readonly PegasusJob[] {
  const makers = new Map<string, string[]>();
  for (const job of jobs) {
    for (const file of job.writes) makers.set(file, [...(makers.get(file) ?? []), job.name]);
  }
  const names = new Set(jobs.map((job) => job.name));
  const joined = jobs.map((job) => {
    const before = new Set(job.after.map(({ name }) => name));
    const seen = job.reads
      .filter((file) => !job.writes.includes(file))
      .flatMap((file) => makers.get(file) ?? [])
      .filter((name) => !before.has(name) && name !== job.name);
    return { ...job, after: [...job.after, ...[...new Set(seen)].map((name) => ({ name, pointer: job.pointer }))] };
  });
  const isSound = names.size === jobs.length && joined.every((job) => job.after.every(({ name }) => names.has(name)));
  if (!isSound) return jobs;
  const edges = joined.flatMap((job) => job.after.map(({ name }) => [name, job.name] as const));
  const isOrdered = "order" in toposort([...names], edges);
  if (isOrdered) return joined;
  findings.note(
    "",
    "a job reads a file before a later job makes it again; the dependencies that are spelled out decide the order",
  );
  return jobs;
}

class PegasusVerbs {
  readonly #verbs = new Map<string, Verb>();
  readonly #names = new VerbNames();

  get all(): readonly Verb[] {
    return [...this.#verbs.values()];
  }

  verbOf({ transformation, transformationName, tries }: PegasusJob): Verb {
    const words = variantWords(tries === 1 ? undefined : tries, undefined);
    const name =
      `pegasus.${this.#names.segment(JSON.stringify([transformation, words]), `${transformationName}${words}`)}` as const;
    const known = this.#verbs.get(name);
    if (known !== undefined) return known;
    const verb = defineVerb({
      name,
      version: 1,
      effect: "write",
      recovery: "idempotent",
      args: z.object({
        transformation: z.string(),
        arguments: z.array(z.string()),
        reads: z.array(subject("file", "read")),
        writes: z.array(subject("file", "write")),
        profiles: z.json(),
      }),
      result: z.looseObject({}),
      retry: { attemptsMax: tries },
      timeout: "12h",
    });
    this.#verbs.set(name, verb);
    return verb;
  }
}
