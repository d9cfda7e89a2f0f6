import { z } from "zod";
import { parameterName } from "./argo-inputs.js";
import type { Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { SourceNode } from "./source-node.js";

/** The parameters of a workflow: those of the root macro. */
export class ArgoParameters {
  /** In the order of the document. */
  readonly names: readonly string[];
  readonly #findings: Findings;
  /** Values that are known while importing. */
  readonly #values = new Map<string, string>();
  readonly #decided = new Set<string>();

  /** @param given - values that stand in for those of the document */
  constructor(list: SourceNode, given: { readonly [name: string]: string }, findings: Findings) {
    this.#findings = findings;
    const names = new Set<string>();
    for (const node of list.items()) {
      const name = parameterName(node, findings);
      if (name === undefined) continue;
      names.add(name);
      const own = Object.hasOwn(given, name) ? given[name] : undefined;
      const value = own ?? node.at("value").text() ?? node.at("default").text();
      if (value !== undefined) this.#values.set(name, value);
    }
    this.names = [...names];
  }

  /** The parameter as the root macro has it; `undefined` where there is none of this name. */
  rootDraft(name: string): Draft | undefined {
    return this.names.includes(name) ? { kind: "param", path: [name] } : undefined;
  }

  /**
   * The schema of the root macro's parameters: texts, and where an import has decided a value, that value alone.
   *
   * To be asked for last, because what is decided comes up while converting.
   */
  schema(): z.ZodObject {
    const fields = this.names.map((name) => {
      const value = this.#values.get(name);
      if (value === undefined) return [name, z.string()] as const;
      return [name, (this.#decided.has(name) ? z.literal(value) : z.string()).default(value)] as const;
    });
    return z.object(Object.fromEntries(fields));
  }

  /**
   * The targets of a DAG: decided while importing, because they choose its steps.
   *
   * @returns empty where all tasks run, and where the targets were refused
   */
  targetsOf(template: SourceNode): readonly string[] {
    const node = template.at("dag").at("target");
    const text = node.text();
    if (text === undefined) return [];
    const decided = text.replaceAll(/\{\{\s*workflow\.parameters\.([\w.-]+)\s*\}\}/g, (raw, name: string) => {
      const value = this.#values.get(name);
      if (value === undefined) return raw;
      this.#decided.add(name);
      this.#findings.note(node.pointer, `the import decides "${name}" = "${value}", because it chooses the tasks that run`);
      return value;
    });
    if (!decided.includes("{{")) return decided.split(/\s+/).filter((target) => target !== "");
    this.#findings.refuse("import.run_time_choice", node.pointer, "the targets are chosen by a value that is not known here");
    return [];
  }
}
