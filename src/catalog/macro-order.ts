import { RunsealError } from "../errors/error.js";
import type { Macro } from "./macro.js";
import { itemsOf } from "./macro-items.js";

/**
 * Macros so that each comes after those it invokes.
 *
 * @throws {@link RunsealError} `catalog.cycle` with the whole circle, first and last name equal
 * @remarks Depth first without recursion, so that a chain of 100,000 macros is an ordinary graph. Time O(macros + invocations).
 */
export function macroOrder(macros: readonly Macro[]): readonly Macro[] {
  const byName = new Map(macros.map((macro) => [macro.name, macro]));
  const order: Macro[] = [];
  const done = new Set<string>();
  for (const root of macros) visit(root, byName, done, order);
  return order;
}

interface Open {
  readonly macro: Macro;
  /** Names invoked and not yet visited, next one last. */
  readonly rest: string[];
}

function visit(root: Macro, byName: ReadonlyMap<string, Macro>, done: Set<string>, order: Macro[]): void {
  if (done.has(root.name)) return;
  const path: Open[] = [opened(root)];
  const onPath = new Set([root.name]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.rest.pop();
    if (next === undefined) {
      path.pop();
      onPath.delete(top.macro.name);
      done.add(top.macro.name);
      order.push(top.macro);
      continue;
    }
    if (onPath.has(next)) throw cycleFrom(path, next);
    const macro = byName.get(next);
    if (macro === undefined || done.has(next)) continue;
    path.push(opened(macro));
    onPath.add(next);
  }
}

function opened(macro: Macro): Open {
  const invoked = itemsOf(macro.definition.body).flatMap(({ item }) => (item.kind === "invoke" ? [item.macro] : []));
  return { macro, rest: [...new Set(invoked)].reverse() };
}

function cycleFrom(path: readonly Open[], name: string): RunsealError<"catalog.cycle"> {
  const names = path.map(({ macro }) => macro.name);
  const cycle = [...names.slice(names.indexOf(name)), name];
  const message = `macro "${name}" expands into itself: ${cycle.join(" -> ")}`;
  return new RunsealError("catalog.cycle", message, { cycle });
}
