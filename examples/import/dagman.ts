import { defineVerb, type Verb } from "runseal";
import { z } from "zod";
import { DagmanFile, type DagmanJob } from "./dagman-file.js";
import { defineDraft } from "./define-draft.js";
import { data, record, type Draft, type StepDraft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { Imported } from "./imported.js";
import { legalLabels } from "./labels.js";
import { importText, type Conversion } from "./run-importer.js";
import { orderNodes } from "./source-graph.js";
import { variantWords } from "./verb-names.js";

/**
 * Converts a DAGMan input file to one macro with a step per node.
 *
 * The file does not say what a node writes. A node that was not seen to end is submitted again, as DAGMan itself does after a
 * crash: `idempotent`.
 *
 * @see https://htcondor.readthedocs.io/en/latest/automated-workflows/dagman-file-commands.html
 */
export function importDagman(text: string): Imported {
  return importText("dagman", text, convert);
}

function convert(text: string, findings: Findings): Conversion | undefined {
  const file = new DagmanFile(text, findings);
  if (findings.isRefused()) return undefined;
  if (file.jobs.length === 0) return findings.refuse("import.missing_member", "", "the file has no JOB");
  const order = orderNodes(file.jobs, findings);
  if (order === undefined) return undefined;
  const labels = legalLabels(order.map((job) => job.name));
  const verbs = new Map<string, Verb>();
  const steps = order.map((job): StepDraft => ({
    label: labels.get(job.name) ?? "",
    name: job.name,
    pointer: job.pointer,
    calls: { verb: verbOf(job, verbs) },
    args: argsOf(job),
    after: [...new Set(job.after.flatMap((before) => labels.get(before.name) ?? []))],
  }));
  const macro = defineDraft({ name: "workflow.dagman", params: z.object({}), steps, output: [] });
  return {
    name: "",
    root: macro,
    macros: [macro],
    verbs: [...verbs.values()],
    steps: steps.map(({ name, pointer, label }) => ({ name, pointer, macro: macro.name, label })),
  };
}

function argsOf(job: DagmanJob): Draft {
  const optional = (members: { readonly [name: string]: string | number | undefined }): { readonly [name: string]: Draft } =>
    Object.fromEntries(Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, data(value)]])));
  return record({
    submit: data(job.submit),
    ...optional({ directory: job.directory, priority: job.priority, category: job.category, unlessExit: job.unlessExit }),
    isNoop: job.isNoop ? data(true) : undefined,
    vars: job.vars.size === 0 ? undefined : data(Object.fromEntries(job.vars)),
    scripts: job.scripts.length === 0 ? undefined : data(job.scripts),
  });
}

function verbOf(job: DagmanJob, verbs: Map<string, Verb>): Verb {
  const name = `dagman.run_job${variantWords(job.tries === 1 ? undefined : job.tries, undefined)}` as const;
  const known = verbs.get(name);
  if (known !== undefined) return known;
  const verb = defineVerb({
    name,
    version: 1,
    effect: "write",
    recovery: "idempotent",
    args: z.object({
      submit: z.string(),
      directory: z.string().optional(),
      /** Nothing is submitted, the scripts run. */
      isNoop: z.boolean().optional(),
      vars: z.record(z.string(), z.string()).optional(),
      scripts: z.array(z.string()).optional(),
      priority: z.int().optional(),
      category: z.string().optional(),
      /** An exit code after which it is not tried again. */
      unlessExit: z.int().optional(),
    }),
    result: z.looseObject({}),
    retry: { attemptsMax: job.tries },
    timeout: "12h",
  });
  verbs.set(name, verb);
  return verb;
}
