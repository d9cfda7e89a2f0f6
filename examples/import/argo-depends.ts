import type { Findings } from "./findings.js";
import type { SourceNode } from "./source-node.js";

/** One task that another waits for. */
export interface ArgoDependency {
  readonly name: string;
  readonly pointer: string;
}

/**
 * Reads what a DAG task waits for: `dependencies`, or a `depends` that is a conjunction of tasks that succeed.
 *
 * "Either of", "when it failed" and "not" choose a way while running and are refused.
 */
export function readDependencies(task: SourceNode, findings: Findings): readonly ArgoDependency[] {
  const depends = task.at("depends");
  const listed = task
    .at("dependencies")
    .items()
    .flatMap((item) => {
      const name = item.requiredText();
      return name === undefined ? [] : [{ name, pointer: item.pointer }];
    });
  const text = depends.text();
  if (text === undefined) return unique(listed);
  if (listed.length > 0) {
    findings.refuse("import.unknown_construct", depends.pointer, 'stands beside "dependencies"; a task has one of them');
    return [];
  }
  const names = conjunction(text);
  if (names !== undefined) return unique(names.map((name) => ({ name, pointer: depends.pointer })));
  const message = `"${text.slice(0, 80)}" chooses a way while running; a plan waits for all of a list of tasks to succeed`;
  findings.refuse("import.run_time_choice", depends.pointer, message);
  return [];
}

/** The tasks of `a && b.Succeeded && (c)`; `undefined` for every other expression. */
function conjunction(text: string): readonly string[] | undefined {
  const words = text.replace(/[()]/g, " ").split("&&");
  const names: string[] = [];
  for (const word of words) {
    const [, name] = /^\s*([A-Za-z0-9_][A-Za-z0-9_-]*)(?:\.(?:Succeeded|Daemoned))?\s*$/.exec(word) ?? [];
    if (name === undefined) return undefined;
    names.push(name);
  }
  return isBalanced(text) ? names : undefined;
}

function isBalanced(text: string): boolean {
  let open = 0;
  for (const letter of text) {
    if (letter === "(") open += 1;
    if (letter === ")") open -= 1;
    if (open < 0) return false;
  }
  return open === 0;
}

function unique(dependencies: readonly ArgoDependency[]): readonly ArgoDependency[] {
  return [...new Map(dependencies.map((dependency) => [dependency.name, dependency])).values()];
}
