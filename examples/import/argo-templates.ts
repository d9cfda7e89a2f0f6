import type { JsonValue, Macro, Verb } from "runseal";
import { z } from "zod";
import { declaredInputs, givenInputs, inputMembers, ownInput, type ArgoInputs } from "./argo-inputs.js";
import { argoOutputs } from "./argo-outputs.js";
import type { ArgoParameters } from "./argo-parameters.js";
import { argoResolver, type ArgoScope, type ArgoTaskPlace } from "./argo-references.js";
import { readTasks, type ArgoTask } from "./argo-tasks.js";
import { argoVerb } from "./argo-verbs.js";
import { readWhen } from "./argo-when.js";
import { defineDraft } from "./define-draft.js";
import { record, type Draft, type StepDraft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { ImportedStep } from "./imported.js";
import { legalLabels } from "./labels.js";
import type { Conversion } from "./run-importer.js";
import { isRecord, type SourceNode } from "./source-node.js";
import { translate, type ResolveReference } from "./translate.js";

/** Templates inside templates; the compiler's own default is 8. */
const DEPTH_MAX = 32;

const HOLDER_FIELDS = new Set(["name", "inputs", "outputs", "dag", "steps", "metadata", "parallelism", "failFast"]);
const WORK = ["container", "script", "resource", "suspend", "http", "plugin", "data", "containerSet"] as const;

type Call = Pick<StepDraft, "calls" | "args">;

/** Where a template is converted: under which name, with which inputs, and how it sees the workflow's parameters. */
interface Place {
  readonly macro: `${string}.${string}`;
  readonly inputs: ArgoInputs;
  readonly workflowParameter: (name: string) => Draft | undefined;
  readonly params: () => z.ZodObject;
}

/** Converts the templates that can be reached from the entry point. */
export class ArgoTemplates {
  readonly #parameters: ArgoParameters;
  readonly #findings: Findings;
  readonly #templates = new Map<string, SourceNode>();
  readonly #labels: ReadonlyMap<string, string>;
  readonly #macros = new Map<string, Macro>();
  readonly #verbs = new Map<string, Verb>();
  readonly #steps: ImportedStep[] = [];
  /** Names of the templates being converted, outermost first. */
  readonly #open: string[] = [];

  constructor(list: SourceNode, parameters: ArgoParameters, findings: Findings) {
    this.#parameters = parameters;
    this.#findings = findings;
    for (const node of list.items()) {
      const name = node.at("name").requiredText();
      if (name === undefined) continue;
      if (this.#templates.has(name))
        findings.refuse("import.duplicate_name", node.pointer, `the template "${name}" stands twice`);
      this.#templates.set(name, node);
    }
    this.#labels = legalLabels([...this.#templates.keys()]);
  }

  /** Converts the entry point to the root macro, whose parameters are those of the workflow. */
  convertRoot(entrypoint: string, name: string): Omit<Conversion, "name"> | undefined {
    const template = this.#template(entrypoint, "/spec/entrypoint");
    if (template === undefined) return undefined;
    const workflowParameter = (parameter: string): Draft | undefined => this.#parameters.rootDraft(parameter);
    const place: Place = {
      macro: `workflow.${legalLabels([name]).get(name) ?? "workflow"}`,
      // the inputs of the entry point are the workflow's own parameters of the same names
      inputs: declaredInputs(
        template,
        (kind, input, node) => (kind === "parameters" ? workflowParameter(input) : undefined) ?? ownInput(kind, node),
        this.#findings,
      ),
      workflowParameter,
      params: () => this.#parameters.schema(),
    };
    const root = holdsTasks(template) ? this.#holder(template, entrypoint, place) : this.#single(template, entrypoint, place);
    if (root === undefined || this.#findings.isRefused()) return undefined;
    return { root, macros: [...this.#macros.values(), root], verbs: [...this.#verbs.values()], steps: this.#steps };
  }

  #template(name: string, pointer: string): SourceNode | undefined {
    const template = this.#templates.get(name);
    if (template !== undefined) return template;
    return this.#findings.refuse("import.unknown_reference", pointer, `"${name}" is no template of the document`);
  }

  #single(template: SourceNode, entrypoint: string, place: Place): Macro | undefined {
    const call = this.#work(template, entrypoint, place);
    if (call === undefined) return undefined;
    const step: StepDraft = { label: "main", name: entrypoint, pointer: template.pointer, after: [], ...call };
    this.#steps.push({ name: entrypoint, pointer: template.pointer, macro: place.macro, label: "main" });
    return defineDraft({ name: place.macro, params: place.params(), steps: [step], output: [] });
  }

  /** The macro of a template that holds others, one for all who call it. */
  #nested(template: SourceNode, name: string): Macro | undefined {
    const known = this.#macros.get(name);
    if (known !== undefined) return known;
    const inputs = declaredInputs(template, (kind, input) => ({ kind: "param", path: [kind, input] }), this.#findings);
    const { names } = this.#parameters;
    const macro = this.#holder(template, name, {
      macro: `workflow.${this.#labels.get(name) ?? ""}_template`,
      inputs,
      workflowParameter: (parameter) =>
        names.includes(parameter) ? { kind: "param", path: ["workflow", parameter] } : undefined,
      params: () => nestedParams(inputs, names),
    });
    if (macro !== undefined) this.#macros.set(name, macro);
    return macro;
  }

  #holder(template: SourceNode, name: string, place: Place): Macro | undefined {
    if (this.#open.includes(name)) {
      const path = [...this.#open.slice(this.#open.indexOf(name)), name].join(" -> ");
      return this.#findings.refuse("import.cycle", template.pointer, `the templates call each other in a circle: ${path}`);
    }
    if (this.#open.length >= DEPTH_MAX) {
      return this.#findings.refuse("import.too_large", template.pointer, `templates are nested deeper than ${DEPTH_MAX}`);
    }
    template.refuseOthers(HOLDER_FIELDS, "a template that holds others");
    template.at("dag").refuseOthers(new Set(["tasks", "target", "failFast"]), "a DAG");
    const tasks = readTasks(template, this.#parameters.targetsOf(template), this.#findings);
    if (tasks === undefined) return undefined;
    this.#open.push(name);
    const macro = this.#body(template, tasks, place);
    this.#open.pop();
    return macro;
  }

  #body(template: SourceNode, tasks: readonly ArgoTask[], place: Place): Macro | undefined {
    const labels = legalLabels(tasks.map((task) => task.name));
    const positions = new Map(tasks.map((task, index) => [task.name, index]));
    const scopeAt = (end: number, hasItem: boolean): ArgoScope => {
      const seen = (name: string): ArgoTaskPlace | "later" | undefined => {
        const [position, label] = [positions.get(name), labels.get(name)];
        if (position === undefined || label === undefined) return undefined;
        return position < end ? { label, isLoop: tasks[position]?.items !== undefined } : "later";
      };
      return scopeOf(template, place, seen, hasItem);
    };
    const isSkipping = tasks.some((task) => task.node.at("when").isPresent);
    const steps = tasks.flatMap((task, index) => {
      const step = this.#step(task, labels, scopeAt(index, task.items !== undefined), place);
      return step === undefined ? [] : [isSkipping && "verb" in step.calls ? { ...step, toleratesSkipped: true } : step];
    });
    const output = argoOutputs(template, argoResolver(scopeAt(Infinity, false), this.#findings));
    if (this.#findings.isRefused()) return undefined;
    return defineDraft({ name: place.macro, params: place.params(), steps, output });
  }

  #step(task: ArgoTask, labels: ReadonlyMap<string, string>, scope: ArgoScope, place: Place): StepDraft | undefined {
    const { name, pointer, items } = task;
    const label = labels.get(name) ?? "";
    const resolve = argoResolver(scope, this.#findings);
    const call = this.#call(task, resolve, place);
    const when = call === undefined ? undefined : this.#when(task, resolve, call);
    if (call === undefined) return undefined;
    this.#steps.push({ name, pointer, macro: place.macro, label });
    return {
      label,
      name,
      pointer,
      after: task.after.flatMap((before) => labels.get(before.name) ?? []),
      ...call,
      ...(items === undefined ? {} : { items }),
      ...(when === undefined ? {} : { when }),
    };
  }

  #when(task: ArgoTask, resolve: ResolveReference, call: Call): Draft | undefined {
    const node = task.node.at("when");
    if (!node.isPresent) return undefined;
    if ("verb" in call.calls) return readWhen(node, resolve, this.#findings);
    const message = "a condition on a template that holds others; put it on the tasks inside";
    return this.#findings.refuse("import.run_time_choice", node.pointer, message);
  }

  #call(task: ArgoTask, resolve: ResolveReference, place: Place): Call | undefined {
    const template = this.#template(task.template, task.node.at("template").pointer);
    const inputs = template === undefined ? undefined : givenInputs(task, template, resolve, this.#findings);
    if (template === undefined || inputs === undefined) return undefined;
    if (!holdsTasks(template)) return this.#work(template, task.template, { ...place, inputs });
    const macro = this.#nested(template, task.template);
    if (macro === undefined) return undefined;
    const workflow = this.#parameters.names.map((name) => [name, place.workflowParameter(name)] as const);
    const args = record({
      ...inputMembers(inputs),
      workflow: workflow.length === 0 ? undefined : record(Object.fromEntries(workflow)),
    });
    return { calls: { macro }, args };
  }

  /** A call of a template that does something itself; its definition is part of the arguments, with the inputs put in. */
  #work(template: SourceNode, name: string, place: Place): Call | undefined {
    if (!WORK.some((kind) => template.at(kind).isPresent)) {
      const message = `"${name}" is none of dag, steps, ${WORK.join(", ")}`;
      return this.#findings.refuse("import.unknown_construct", template.pointer, message);
    }
    if (template.at("daemon").value === true) {
      const message = "goes on beside the tasks that follow; a step of a plan ends before what depends on it begins";
      return this.#findings.refuse("import.run_time_choice", template.at("daemon").pointer, message);
    }
    const resolve = argoResolver(
      scopeOf(template, place, () => undefined, false),
      this.#findings,
    );
    const definition = translate(definitionOf(template), template.pointer, resolve, this.#findings);
    if (definition === undefined) return undefined;
    const verb = this.#verbs.get(name) ?? argoVerb(template, this.#labels.get(name) ?? "");
    this.#verbs.set(name, verb);
    return { calls: { verb }, args: record({ ...inputMembers(place.inputs), definition }) };
  }
}

function holdsTasks(template: SourceNode): boolean {
  return template.at("dag").isPresent || template.at("steps").isPresent;
}

function scopeOf(
  template: SourceNode,
  { inputs, workflowParameter }: Place,
  task: ArgoScope["task"],
  hasItem: boolean,
): ArgoScope {
  return {
    input: (kind, name) => inputs[kind].get(name),
    workflowParameter,
    task,
    declaredPath: (reference) => declaredPath(template, reference),
    hasItem,
  };
}

function nestedParams({ parameters, artifacts }: ArgoInputs, workflow: readonly string[]): z.ZodObject {
  const members = (names: Iterable<string>): z.ZodObject =>
    z.object(Object.fromEntries([...names].map((name) => [name, z.json()])));
  return z.object({
    ...(parameters.size === 0 ? {} : { parameters: members(parameters.keys()) }),
    ...(artifacts.size === 0 ? {} : { artifacts: members(artifacts.keys()) }),
    ...(workflow.length === 0 ? {} : { workflow: members(workflow) }),
  });
}

/** What a handler needs of a template: all of it but the name and the inputs, which are arguments of their own. */
function definitionOf(template: SourceNode): { readonly [member: string]: JsonValue } {
  const members = isRecord(template.value) ? Object.entries(template.value) : [];
  return Object.fromEntries(members.filter(([name, value]) => name !== "name" && name !== "inputs" && value !== null));
}

function declaredPath(template: SourceNode, reference: string): string | undefined {
  const [, side = "", kind = "", name = ""] = /^(inputs|outputs)\.(artifacts|parameters)\.(.+)\.path$/.exec(reference) ?? [];
  const node = template
    .at(side)
    .at(kind)
    .items()
    .find((item) => item.at("name").value === name);
  return node?.at("path").text() ?? node?.at("valueFrom").at("path").text();
}
