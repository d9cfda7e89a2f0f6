import type { BodyItem } from "../model/macro.js";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { jsonPointer } from "../json/walk.js";
import type { Catalog } from "./catalog.js";
import { checkLateValues } from "./check-late-values.js";
import { checkTree } from "./check-tree.js";
import type { Macro } from "./macro.js";
import { macroOrder } from "./macro-order.js";
import { itemsOf } from "./macro-items.js";
import { issueText } from "./parse-value.js";
import { didYouMean } from "./suggest.js";

type Index = Pick<Catalog, "verb" | "macro" | "suggest">;

/** Checks every macro against the catalog it stands in; see {@link createCatalog}. */
export function checkMacros(macros: readonly Macro[], index: Index): void {
  for (const macro of macros) {
    for (const { item, path } of itemsOf(macro.definition.body)) checkItem(macro.name, path, item, index);
  }
  checkLateValues(macroOrder(macros));
}

function checkItem(macro: string, path: string, item: BodyItem, index: Index): void {
  switch (item.kind) {
    case "step":
      checkArguments(macro, path, item.args, verbArguments(macro, path, item.verb, index));
      break;
    case "invoke": {
      const target = index.macro(item.macro);
      if (target === undefined) throw unknown(macro, path, item.macro, "macro", index);
      checkArguments(macro, path, item.args, target.definition.params);
      break;
    }
    case "lookup":
    case "require": {
      checkArguments(macro, path, item.args, verbArguments(macro, path, item.verb, index));
      if (index.verb(item.verb)?.contract.effect !== "write") break;
      const message = `"${path}" in "${macro}" asks "${item.verb}", which writes; make it a step`;
      throw new RunsealError("macro.invalid", message, { macro, field: path });
    }
    case "for_each":
    case "when":
      break;
  }
}

function verbArguments(macro: string, path: string, name: string, index: Index): SchemaDescription {
  const verb = index.verb(name);
  if (verb === undefined) throw unknown(macro, path, name, "verb", index);
  return verb.contract.args;
}

function checkArguments(macro: string, path: string, args: Tree, description: SchemaDescription): void {
  const issues = checkTree(args, description);
  const [first] = issues;
  if (first === undefined) return;
  const message = `"${path}" in "${macro}": ${issues.map(issueText).join("; ")}`;
  throw new RunsealError("macro.invalid_argument", message, { macro, path, pointer: jsonPointer(first.path) });
}

function unknown(
  macro: string,
  path: string,
  reference: string,
  what: "verb" | "macro",
  index: Index,
): RunsealError<"catalog.unknown_reference"> {
  const others = index.suggest(reference).filter((name) => name !== reference);
  const message = `"${path}" in "${macro}" calls the ${what} "${reference}", which the catalog does not have or only as retired${didYouMean(others)}`;
  return new RunsealError("catalog.unknown_reference", message, { macro, reference, path });
}
