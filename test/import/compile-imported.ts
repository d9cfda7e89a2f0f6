import { createCatalog } from "runseal";
import type { Imported } from "../../examples/import/imported.js";
import { sampleArguments } from "../../examples/import/sample-arguments.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import type { Planned } from "../../src/compile/compile-request.js";

/** Plans what was imported, with arguments that fit and a value for everything that has to be bound. */
export function planImported({ verbs, macros, report }: Imported, args?: { readonly [name: string]: unknown }): Planned {
  const root = macros.find((macro) => macro.name === report.root);
  if (root === undefined) throw new TypeError(`nothing to run: ${JSON.stringify(report.refusals)}`);
  const outcome = compilePlan({
    catalog: createCatalog({ verbs, macros }),
    scope: "test",
    invocation: { name: root.name, args: { ...sampleArguments(root), ...args } },
    context: { bindings: Object.fromEntries(report.bindings.map(({ name, source }) => [name, `bound ${source}`])) },
    allowed: "all",
  });
  if (outcome.kind !== "planned") throw new TypeError(`no plan: ${JSON.stringify(outcome)}`);
  return outcome;
}

/** The ids of steps by their names in the document, the names of nested ones joined by `/`. */
export function stepIds({ macros, report }: Imported): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const visit = (macro: string | null, name: string, id: string): void => {
    const definition = macros.find((one) => one.name === macro)?.definition;
    for (const step of report.steps.filter((one) => one.macro === macro)) {
      const item = definition?.body.find((one) => one.kind !== "when" && one.label === step.label);
      const [below, belowId] = [`${name}${step.name}`, `${id}${step.label}`];
      if (item?.kind === "invoke") visit(item.macro, `${below}/`, `${belowId}/`);
      else ids.set(below, belowId);
    }
  };
  visit(report.root, "", "");
  return ids;
}
