import type { Planned } from "./compile-request.js";
import type { PlanEdge } from "../model/step.js";
import type { RunbookDocument } from "../model/runbook.js";
import type { Tree } from "../model/expression.js";
import { isList } from "../expression/references.js";
import { printTree } from "../expression/print.js";

/** What a person reads beside the content: covered by the document digest, and not by the id. */
export function documentOf(planned: Planned): RunbookDocument {
  const { plan, name, title, requestedBy, output, diagnostics } = planned;
  const sentences = plan.steps.flatMap(({ id, sentence, args }) =>
    sentence === undefined ? [] : [[id, fillIn(sentence, args)] as const],
  );
  return {
    name,
    ...(title === null ? {} : { title }),
    ...(requestedBy === null ? {} : { requestedBy }),
    output,
    sentences: Object.fromEntries(sentences),
    phases: plan.phases,
    explanations: plan.edges.map(({ before, after, why }) => ({ before, after, why: explain(why) })),
    remarks: diagnostics.map((diagnostic) => diagnostic.message),
  };
}

/** Why one step waits for another, said of the later one. */
function explain(why: PlanEdge["why"]): string {
  switch (why.kind) {
    case "after":
      return "comes after it";
    case "result":
      return "reads its result";
    case "entity": {
      const [first, second] = ACCESS[why.access];
      return `${second} ${why.entityKind} ${why.entityId}, which it ${first}`;
    }
    case "late_write":
      return `may touch the same ${why.entityKind}: one of the two learns which while running`;
  }
}

const ACCESS = {
  write_write: ["writes", "writes"],
  write_read: ["writes", "reads"],
  read_write: ["reads", "writes"],
} as const;

/** Puts arguments into an author's sentence: `{account}` becomes the argument's value, a late one as it will be read. */
function fillIn(sentence: string, args: Tree): string {
  return sentence.replaceAll(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => {
    if (args === null || typeof args !== "object" || isList(args) || !Object.hasOwn(args, name)) return whole;
    const value = (args as { readonly [name: string]: Tree })[name] ?? null;
    return typeof value === "string" ? value : printTree(value);
  });
}
