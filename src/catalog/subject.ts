import { z } from "zod";
import type { Access } from "../model/schema-description.js";
import type { EntityId } from "./expr.js";
import { markCheck } from "./mark.js";
import { notDescribable } from "./not-describable.js";

const KIND = /^[a-z][a-z0-9_]{0,62}(?:\.[a-z][a-z0-9_]{0,62})*$/;

/**
 * A string that is the id of an entity: what locks, write-sets and previews are made from.
 *
 * The type is a flavour: a plain string passes, the id of another kind is a type error, also inside lists. The mark survives
 * `optional`, `nullable`, `default`, `array` and `refine`; `.pipe` on the input side loses it.
 *
 * @param kind - what it is, e.g. `account`: lower-case words, dots between them
 * @param access - `write` puts the entity into the write-set. Default `read`.
 * @param schema - a string schema that ids must also fit. Default: any string that isn't empty.
 * @throws {@link RunsealError} `schema.not_describable` when `kind` or `access` is malformed
 */
export function subject<const K extends string>(
  kind: K,
  access: Access = "read",
  schema: z.ZodType<string, string> = z.string().min(1),
): z.ZodType<EntityId<K>, EntityId<K>> {
  if (!isEntityKind(kind))
    throw notDescribable([], `the entity kind "${String(kind)}"`, 'write it in lower case, like "account"');
  if (!isAccess(access)) throw notDescribable([], `the access "${String(access)}"`, 'it is "read" or "write"');
  const marked = schema.check(markCheck<string>({ check: "runseal_subject", kind, access }, ""));
  return marked;
}

/** Tells whether `value` is a kind of entity: lower-case words, dots between them. */
export function isEntityKind(value: unknown): value is string {
  return typeof value === "string" && KIND.test(value);
}

function isAccess(access: unknown): access is Access {
  return access === "read" || access === "write";
}
