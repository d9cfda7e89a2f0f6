import { z } from "zod";
import { data, record, type Draft, type StepDraft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { Imported } from "./imported.js";
import { LabelPool, labelStem, legalLabels } from "./labels.js";
import { defineDraft } from "./define-draft.js";
import { importObject, type Conversion } from "./run-importer.js";
import type { SourceNode } from "./source-node.js";
import { readFlow, type SsmFlowStep } from "./ssm-flow.js";
import { guardsOf, type SsmGuard } from "./ssm-guards.js";
import { readParameters, type SsmParameter } from "./ssm-parameters.js";
import { ssmResolver, type SsmStepPlace } from "./ssm-references.js";
import { normalizedInputs } from "./ssm-inputs.js";
import { SsmVerbs } from "./ssm-verbs.js";
import { translate, translateText, type ResolveReference } from "./translate.js";

const DOCUMENT_FIELDS = new Set(["schemaVersion", "description", "assumeRole", "parameters", "mainSteps", "outputs", "files"]);
const STEP_FIELDS = new Set([
  "name",
  "action",
  "description",
  "inputs",
  "outputs",
  "onFailure",
  "onCancel",
  "isCritical",
  "isEnd",
  "nextStep",
  "maxAttempts",
  "timeoutSeconds",
]);

/**
 * Converts an AWS Systems Manager Automation document (schema version 0.3, parsed) to one macro and its verbs.
 *
 * Steps run one after another as the document says; `nextStep`, `isEnd`, `onFailure` and `aws:branch` become order and
 * conditions. Parameters become parameters; `{{ step.Output }}` a result; what the service supplies (`automation:EXECUTION_ID`,
 * `global:REGION`, `ssm:/path`) is bound by the caller of compile, under the name that the report gives.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
 */
export function importSsmAutomation(document: unknown): Imported {
  return importObject("ssm-automation", document, (root, findings) => new SsmConversion(root, findings).convert());
}

class SsmConversion {
  readonly #root: SourceNode;
  readonly #findings: Findings;
  readonly #verbs: SsmVerbs;
  #parameters: ReadonlyMap<string, SsmParameter> = new Map();
  #order: readonly SsmFlowStep[] = [];
  #mayAnySkip = false;
  #labels: ReadonlyMap<string, string> = new Map();
  /** Position of each step in the order. */
  #positions: ReadonlyMap<string, number> = new Map();

  constructor(root: SourceNode, findings: Findings) {
    this.#root = root;
    this.#findings = findings;
    this.#verbs = new SsmVerbs(findings);
  }

  convert(): Conversion | undefined {
    const root = this.#root;
    const version = root.at("schemaVersion").text();
    if (version !== "0.3") {
      const message = `the schema version is ${JSON.stringify(version ?? null)}; Automation documents have "0.3"`;
      return this.#findings.refuse("import.unknown_format", "/schemaVersion", message);
    }
    root.refuseOthers(DOCUMENT_FIELDS, "a document");
    if (root.at("files").isPresent) this.#findings.note("/files", "attached files are left to the handlers");
    this.#parameters = readParameters(root.at("parameters"), this.#findings);
    const steps = root.at("mainSteps").items();
    if (steps.length === 0) return root.at("mainSteps").missing();
    for (const step of steps) step.refuseOthers(STEP_FIELDS, "a step");
    const order = readFlow(steps, this.#findings);
    if (order === undefined) return undefined;
    this.#order = order;
    this.#mayAnySkip = order.some((step) => !step.isCertain);
    const real = order.filter((step) => step.action !== "aws:branch");
    this.#labels = legalLabels(real.map((step) => step.name));
    this.#positions = new Map(order.map((step, index) => [step.name, index]));
    const drafts = this.#steps();
    const output = this.#output();
    return this.#findings.isRefused() ? undefined : this.#assemble(drafts, output);
  }

  #assemble(steps: readonly StepDraft[], output: readonly (readonly [string, Draft])[]): Conversion {
    const title = (this.#root.at("description").text() ?? "").split("\n", 1)[0]?.trim() ?? "";
    const macro = defineDraft({
      name: `automation.${labelStem(title === "" ? "document" : title)}`,
      params: z.object(Object.fromEntries([...this.#parameters].map(([name, { schema }]) => [name, schema]))),
      steps,
      output,
    });
    return {
      name: title,
      root: macro,
      macros: [macro],
      verbs: this.#verbs.all,
      steps: steps.map(({ name, pointer, label }) => ({ name, pointer, macro: macro.name, label })),
    };
  }

  #steps(): readonly StepDraft[] {
    const guards = guardsOf(this.#order, this.#labels, (step) => this.#resolver(step), this.#findings);
    const drafts = this.#order.flatMap((step) => {
      const guard = guards.get(step.name);
      return guard === undefined || step.action === "aws:branch" ? [] : (this.#step(step, guard) ?? []);
    });
    return [...drafts, ...this.#verdict(drafts)];
  }

  #step(step: SsmFlowStep, guard: SsmGuard): StepDraft | undefined {
    const { node, name, action, pointer, isAnswering } = step;
    const verb = this.#verbs.verbOf({ action, step: node, isAnswering });
    const resolve = this.#resolver(step);
    const value = (part: SourceNode): Draft | undefined =>
      part.value === undefined ? undefined : translate(part.value, part.pointer, resolve, this.#findings);
    const inputs = value(node.at("inputs"));
    const kept = keptByHandler(node, isAnswering).map((part) => [part, value(node.at(part))] as const);
    if (verb === undefined || this.#findings.isRefused()) return undefined;
    const args = record({
      inputs: normalizedInputs(action, inputs ?? record({}), this.#parameters),
      outputs: node.at("outputs").value === undefined ? undefined : data(node.at("outputs").value ?? null),
      assumeRole: this.#assumeRole(resolve),
      ...Object.fromEntries(kept),
    });
    return {
      label: this.#labels.get(name) ?? "",
      name,
      pointer,
      calls: { verb },
      args,
      after: guard.after,
      ...(guard.when === undefined ? {} : { when: guard.when }),
      ...(this.#mayAnySkip ? { toleratesSkipped: true } : {}),
    };
  }

  /** Where the failure of a critical step leads on, the run is failed in the end all the same. */
  #verdict(drafts: readonly StepDraft[]): readonly StepDraft[] {
    const critical = this.#order.filter((step) => step.isCritical);
    if (critical.length === 0) return [];
    const conditions = critical.map((step): Draft => {
      const label = this.#labels.get(step.name) ?? "";
      return { kind: "apply", operator: "eq", of: [{ kind: "result", label, path: ["status"] }, data("Failed")] };
    });
    const label = new LabelPool([...this.#labels.values()]).take("verdict");
    this.#findings.note("/mainSteps", `"${label}" fails the run at its end when a critical step failed on the way`);
    return [
      {
        label,
        name: label,
        pointer: "/mainSteps",
        calls: { verb: this.#verbs.verdict() },
        args: record({ failed: data(critical.map((step) => step.name)) }),
        after: drafts.map((draft) => draft.label),
        when: { kind: "apply", operator: "any", of: conditions },
        toleratesSkipped: true,
      },
    ];
  }

  #assumeRole(resolve: ResolveReference): Draft | undefined {
    const role = this.#root.at("assumeRole");
    const text = role.text();
    return text === undefined ? undefined : translateText(text, role.pointer, resolve);
  }

  #output(): readonly (readonly [string, Draft])[] {
    const resolve = this.#resolver(undefined);
    return this.#root
      .at("outputs")
      .items()
      .flatMap((node) => {
        const text = node.requiredText();
        if (text === undefined) return [];
        const value = translateText(text.includes("{{") ? text : `{{${text}}}`, node.pointer, resolve);
        return value === undefined ? [] : [[text, value] as const];
      });
  }

  /** References of a step see the steps before it; those of the outputs see all. */
  #resolver(at: SsmFlowStep | undefined): ResolveReference {
    const end = at === undefined ? Infinity : (this.#positions.get(at.name) ?? 0);
    const step = (name: string): SsmStepPlace | "later" | undefined => {
      const position = this.#positions.get(name);
      const [label, found] = [this.#labels.get(name), this.#order[position ?? -1]];
      if (position === undefined || label === undefined || found === undefined) return undefined;
      return position < end ? { label, isAnswering: found.isAnswering } : "later";
    };
    return ssmResolver({ parameters: this.#parameters, step }, this.#findings);
  }
}

/** Tries and time of a step whose failure is an answer are kept by its handler, and so are those that a parameter gives. */
function keptByHandler(node: SourceNode, isAnswering: boolean): readonly string[] {
  const isComputed = (part: string): boolean => {
    const { value } = node.at(part);
    return typeof value === "string" && value.includes("{{");
  };
  return ["maxAttempts", "timeoutSeconds"].filter((part) => node.at(part).isPresent && (isAnswering || isComputed(part)));
}
