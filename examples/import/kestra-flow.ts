import { defineVerb, type Verb } from "runseal";
import { z } from "zod";
import { defineDraft } from "./define-draft.js";
import { record, type Draft, type StepDraft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { Imported } from "./imported.js";
import { isoSeconds } from "./iso-duration.js";
import { readKestraInputs } from "./kestra-inputs.js";
import { kestraResolver, type KestraScope } from "./kestra-references.js";
import { readKestraTasks, type KestraTask } from "./kestra-tasks.js";
import { labelStem, legalLabels } from "./labels.js";
import { importObject, type Conversion } from "./run-importer.js";
import { isRecord, type SourceNode } from "./source-node.js";
import { translate } from "./translate.js";
import { variantWords, VerbNames } from "./verb-names.js";

const FLOW_FIELDS = new Set(["id", "namespace", "description", "tasks", "inputs", "variables", "outputs", "revision", "deleted"]);
/** Parts of a flow that say when it runs and who sees it, not what it does. */
const NOTED = ["labels", "tags", "triggers", "concurrency", "disabled", "sla"];
/** Parts of a task that the plan or the worker takes care of; everything else is what the task does. */
const TASK_FIELDS = new Set([
  "id",
  "type",
  "description",
  "retry",
  "timeout",
  "disabled",
  "logLevel",
  "workerGroup",
  "logToFile",
]);

/** Types that touch nothing outside of the run. */
const PURE = /^io\.kestra\.(?:plugin\.core\.(?:log\.Log|debug\.\w+|output\.OutputValues)|core\.tasks\.(?:log\.Log|debugs\.\w+))$/;

/**
 * Converts a Kestra flow (parsed) to one macro with a step per task, and a verb per type of task.
 *
 * @see https://kestra.io/docs/workflow-components/tasks
 */
export function importKestraFlow(document: unknown): Imported {
  return importObject("kestra-flow", document, (root, findings) => new KestraConversion(root, findings).convert());
}

class KestraConversion {
  readonly #root: SourceNode;
  readonly #findings: Findings;
  readonly #verbs = new Map<string, Verb>();
  readonly #names = new VerbNames();

  constructor(root: SourceNode, findings: Findings) {
    this.#root = root;
    this.#findings = findings;
  }

  convert(): Conversion | undefined {
    const root = this.#root;
    const [id, namespace] = [root.at("id").requiredText(), root.at("namespace").requiredText()];
    if (id === undefined || namespace === undefined) return undefined;
    for (const member of NOTED) {
      if (root.at(member).isPresent) this.#findings.note(`/${member}`, `"${member}" is not part of what runs and is left out`);
    }
    for (const member of ["errors", "finally", "afterExecution", "listeners"]) {
      if (!root.at(member).isPresent) continue;
      this.#findings.refuse("import.run_time_choice", `/${member}`, `"${member}" runs tasks by how the flow went`);
    }
    root.refuseOthers(new Set([...FLOW_FIELDS, ...NOTED, "errors", "finally", "afterExecution", "listeners"]), "a flow");
    if (root.at("tasks").items().length === 0) return root.at("tasks").missing();
    const inputs = readKestraInputs(root.at("inputs"), this.#findings);
    const tasks = readKestraTasks(root.at("tasks"), this.#findings);
    if (tasks === undefined) return undefined;
    const labels = legalLabels(tasks.map((task) => task.name));
    const scopeAt = this.#scopes(tasks, labels, new Set(Object.keys(inputs)), { id, namespace });
    const steps = tasks.flatMap((task, index) => this.#step(task, labels, scopeAt(task, index)) ?? []);
    const output = this.#output(scopeAt(undefined, Infinity));
    if (this.#findings.isRefused()) return undefined;
    const macro = defineDraft({ name: `flow.${labelStem(id)}`, params: z.object(inputs), steps, output });
    return {
      name: `${namespace}.${id}`,
      root: macro,
      macros: [macro],
      verbs: [...this.#verbs.values()],
      steps: steps.map(({ name, pointer, label }) => ({ name, pointer, macro: macro.name, label })),
    };
  }

  #scopes(
    tasks: readonly KestraTask[],
    labels: ReadonlyMap<string, string>,
    inputs: ReadonlySet<string>,
    flow: { readonly id: string; readonly namespace: string },
  ): (task: KestraTask | undefined, end: number) => KestraScope {
    const positions = new Map(tasks.map((task, index) => [task.name, index]));
    const variables = this.#root.at("variables").value;
    return (task, end) => ({
      taskId: task?.name ?? "",
      taskType: task?.type ?? "",
      flowId: flow.id,
      namespace: flow.namespace,
      inputs,
      variables: isRecord(variables) ? variables : {},
      task: (name) => ((positions.get(name) ?? Infinity) < end ? labels.get(name) : undefined),
    });
  }

  #step(task: KestraTask, labels: ReadonlyMap<string, string>, scope: KestraScope): StepDraft | undefined {
    const { node, name, pointer } = task;
    for (const member of ["allowFailure", "allowWarning", "runIf"]) {
      const part = node.at(member);
      if (part.isPresent && part.value !== false) {
        this.#findings.refuse("import.run_time_choice", part.pointer, `"${member}" decides by how things went`);
      }
    }
    const verb = this.#verb(task);
    const resolve = kestraResolver(scope, this.#findings);
    const properties = node.members().flatMap(([member, part]) => {
      if (TASK_FIELDS.has(member) || part.value === undefined) return [];
      if (JSON.stringify(part.value).includes("{%")) {
        this.#findings.refuse("import.expression", part.pointer, "holds a block of the flow's own language");
        return [];
      }
      const value = translate(part.value, part.pointer, resolve, this.#findings);
      return value === undefined ? [] : [[member, value] as const];
    });
    if (this.#findings.isRefused()) return undefined;
    return {
      label: labels.get(name) ?? "",
      name,
      pointer,
      calls: { verb },
      args: record({ properties: { kind: "record", members: properties } }),
      after: task.after.flatMap((before) => labels.get(before.name) ?? []),
    };
  }

  /** A plugin can do anything, so that it writes and, in doubt, a person looks; logging and returning values are pure. */
  #verb({ node, type }: KestraTask): Verb {
    const retry = node.at("retry");
    const tries = retry.isPresent ? (retry.at("maxAttempts").integer() ?? retry.at("maxAttempt").integer() ?? 3) : 1;
    const timeout = node.at("timeout").text();
    const seconds = timeout === undefined ? undefined : isoSeconds(timeout);
    if (timeout !== undefined && (seconds === undefined || seconds < 1 || seconds > 2_000_000)) {
      this.#findings.refuse(
        "import.wrong_type",
        node.at("timeout").pointer,
        `"${timeout}" is no duration of 1 second to 23 days`,
      );
    }
    const words = variantWords(tries === 1 ? undefined : tries, seconds);
    const isPause = /\.(?:flows?)\.Pause$/.test(type);
    const isTimed = isPause ? node.at("delay").isPresent || node.at("pauseDuration").isPresent : type.endsWith(".Sleep");
    const key = JSON.stringify([type, words, isTimed]);
    const wish = `${type.replace(/^io\.kestra\.(?:plugin\.)?/, "").replaceAll(".", "_")}${words}`;
    const name = `kestra.${this.#names.segment(key, wish)}` as const;
    const known = this.#verbs.get(name);
    if (known !== undefined) return known;
    const contract = {
      name,
      version: 1,
      args: z.object({ properties: z.record(z.string(), z.json()) }),
      result: z.looseObject({}),
      retry: { attemptsMax: Math.min(1000, Math.max(1, tries)) },
      ...(seconds === undefined || this.#findings.isRefused() ? {} : { timeout: seconds * 1000 }),
    };
    const verb =
      isPause || isTimed
        ? defineVerb({ ...contract, effect: "read", mode: isTimed ? "durable" : "human_gate" })
        : PURE.test(type)
          ? defineVerb({ ...contract, effect: "pure" })
          : defineVerb({ ...contract, effect: "write", recovery: "manual" });
    this.#verbs.set(name, verb);
    return verb;
  }

  #output(scope: KestraScope): readonly (readonly [string, Draft])[] {
    const resolve = kestraResolver(scope, this.#findings);
    return this.#root
      .at("outputs")
      .items()
      .flatMap((node) => {
        const [name, value] = [node.at("id").requiredText(), node.at("value").value];
        if (name === undefined || value === undefined) return [];
        const draft = translate(value, node.at("value").pointer, resolve, this.#findings);
        return draft === undefined ? [] : [[name, draft] as const];
      });
  }
}
