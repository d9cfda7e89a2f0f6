import type { Pack } from "../model/pack.js";
import { verbRef } from "../model/verb.js";
import { RunsealError } from "../errors/error.js";
import { digestOf } from "../json/digest.js";
import type { Catalog, CatalogParts } from "./catalog.js";
import { checkMacros } from "./check-macros.js";
import { checkPacks } from "./check-packs.js";
import { checkInverses } from "./check-inverses.js";
import type { Macro } from "./macro.js";
import { member } from "./schema-definition.js";
import { suggestFrom } from "./suggest.js";
import type { Verb } from "./verb.js";

/**
 * Puts verbs, macros and packs together, and checks them as a whole.
 *
 * Every name that a macro, an inverse or a pack uses must be there; macros must not expand into themselves; the arguments of
 * steps must fit the newest version of their verb; values that are known only while running must not shape a plan, also when
 * they are passed on by `invoke`. Several versions of a verb may live side by side.
 *
 * @throws {@link RunsealError} `catalog.duplicate`, `catalog.unknown_reference`, `catalog.cycle`, `catalog.late_value`,
 *   `macro.invalid_argument`; `verb.invalid`, `macro.invalid` and `pack.invalid` for values that `define...` did not make
 * @remarks Time O(size of all definitions); nothing recurses over the macro graph, so that its depth has no bound.
 */
export function createCatalog<const V extends readonly Verb[], const M extends readonly Macro[] = readonly []>(
  parts: CatalogParts<V, M>,
): Catalog<V[number], M[number]> {
  const verbs: readonly V[number][] = checkedList(
    parts.verbs,
    "verb",
    (name) =>
      new RunsealError("verb.invalid", `the list of verbs holds something that defineVerb did not make`, {
        verb: name,
        field: "verbs",
      }),
  );
  const macros: readonly M[number][] = checkedList(
    parts.macros,
    "macro",
    (name) =>
      new RunsealError("macro.invalid", `the list of macros holds something that defineMacro did not make`, {
        macro: name,
        field: "macros",
      }),
  );
  const packs: readonly Pack[] = Object.freeze([...(parts.packs ?? [])]);
  const index = indexOf(verbs, macros, packs);
  checkMacros(macros, index);
  checkInverses(verbs, index);
  checkPacks(packs, verbs);
  return Object.freeze({
    verbs,
    macros,
    packs,
    digest: catalogDigest(verbs, macros, packs),
    ...index,
    with: <const W extends readonly Verb[] = readonly [], const N extends readonly Macro[] = readonly []>(
      more: CatalogParts<W, N>,
    ) =>
      createCatalog<readonly (V[number] | W[number])[], readonly (M[number] | N[number])[]>({
        verbs: [...verbs, ...(more.verbs ?? [])],
        macros: [...macros, ...(more.macros ?? [])],
        packs: [...packs, ...(more.packs ?? [])],
      }),
  });
}

type Index = Pick<Catalog, "verb" | "verbAt" | "macro" | "pack" | "suggest">;

function indexOf(verbs: readonly Verb[], macros: readonly Macro[], packs: readonly Pack[]): Index {
  const byRef = unique(verbs, verbRef, "verb");
  const byMacro = unique(macros, (macro) => macro.name, "macro");
  const byPack = unique(packs, (pack) => pack.id, "pack");
  const newest = new Map<string, Verb>();
  const names = new Set<string>(byMacro.keys());
  for (const verb of verbs) {
    if (byMacro.has(verb.name)) throw duplicate(verb.name, `"${verb.name}" is a verb and a macro; give one of them another name`);
    names.add(verb.name);
    const known = newest.get(verb.name);
    if (!verb.contract.retired && (known === undefined || known.version < verb.version)) newest.set(verb.name, verb);
  }
  return {
    verb: (name) => newest.get(name),
    verbAt: (ref) => byRef.get(ref),
    macro: (name) => byMacro.get(name),
    pack: (id) => byPack.get(id),
    suggest: (name) => suggestFrom(names, name),
  };
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string, what: string): ReadonlyMap<string, T> {
  const byKey = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (byKey.has(key)) throw duplicate(key, `the ${what} "${key}" is there twice; give one of them another name or version`);
    byKey.set(key, item);
  }
  return byKey;
}

function duplicate(name: string, message: string): RunsealError<"catalog.duplicate"> {
  return new RunsealError("catalog.duplicate", message, { name });
}

function checkedList<T>(given: readonly T[] | undefined, kind: string, error: (name: string) => RunsealError): readonly T[] {
  const items = given === undefined ? [] : [...given];
  for (const item of items) {
    if (typeof item !== "object" || item === null || member(item, "kind") !== kind) throw error(String(item));
  }
  return Object.freeze(items);
}

/** Independent of the order of verbs, macros and packs (decision 1.8). */
function catalogDigest(verbs: readonly Verb[], macros: readonly Macro[], packs: readonly Pack[]): string {
  return digestOf("runseal/catalog/1", {
    verbs: Object.fromEntries(
      verbs.map(({ contract }) => [verbRef(contract), { digest: contract.digest, retired: contract.retired }]),
    ),
    macros: Object.fromEntries(macros.map(({ definition }) => [definition.name, definition.digest])),
    packs: Object.fromEntries(
      packs.map(({ id, allowedVerbs, forbiddenVerbs, forbiddenEntityKinds }) => [
        id,
        { allowedVerbs, forbiddenVerbs, forbiddenEntityKinds },
      ]),
    ),
  });
}
