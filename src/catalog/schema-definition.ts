import type { z } from "zod";

/** A member of an object whose shape the types of one zod version would get wrong for the others. */
export function member(holder: object, name: string): unknown {
  return Reflect.get(holder, name) as unknown;
}

/**
 * The definition behind a zod schema: the one part that zod 4.0 to 4.6 write alike.
 *
 * Read member by member as unknown, because a program may bring another zod 4 than the one this package was built with.
 */
export function definitionOf(schema: z.ZodType): object {
  return schema._zod.def;
}

/** Tells whether `value` is a zod 4 schema, of whichever copy of zod. */
export function isSchema(value: unknown): value is z.ZodType {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const internals = member(value, "_zod");
  if (typeof internals !== "object" || internals === null) return false;
  const definition = member(internals, "def");
  return typeof definition === "object" && definition !== null && typeof member(definition, "type") === "string";
}

/**
 * The definitions of a schema's checks, in the order they were written.
 *
 * A format such as `z.uuid()` is schema and check in one; its own definition comes first.
 */
export function checksOf(definition: object): readonly object[] {
  const own = typeof member(definition, "check") === "string" ? [definition] : [];
  const added = member(definition, "checks");
  return Array.isArray(added) ? [...own, ...added.map(checkDefinition)] : own;
}

/** A list in a definition; empty where there is none. */
export function listIn(definition: object, name: string): readonly unknown[] {
  const list = member(definition, name);
  return Array.isArray(list) ? list : [];
}

/** An object in a definition; empty where there is none. */
export function objectIn(definition: object, name: string): object {
  const found = member(definition, name);
  return typeof found === "object" && found !== null ? found : {};
}

/** What a lazy schema stands for; `undefined` where it has no getter. */
export function lazySchema(definition: object): unknown {
  const getter = member(definition, "getter");
  return typeof getter === "function" ? (Reflect.apply(getter, definition, []) as unknown) : undefined;
}

/** The name of a check, e.g. `min_length`. */
export function checkName(check: object): string {
  return String(member(check, "check"));
}

function checkDefinition(check: { readonly _zod: { readonly def: object } }): object {
  return check._zod.def;
}
