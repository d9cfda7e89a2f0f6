import type { JsonValue } from "../json/value.js";

/** How a verb touches an entity that it names: `write` puts the entity into the write-set. */
export type Access = "read" | "write";

/** A named, versioned check that a description names but does not hold: the only kind of code a contract may refer to. */
export interface OpaqueCheck {
  readonly name: string;
  readonly version: number;
}

/**
 * What a schema means, in our own closed words (`runseal/schema/1`): the part of a contract that is hashed.
 *
 * Read from a zod definition by `catalog/describe-schema.ts`. Titles, descriptions and examples are left out; `enum` values
 * and `required` names are sorted, so that equal meanings have equal descriptions under every zod 4 minor.
 */
export type SchemaDescription = SchemaShape & {
  /** Checks beyond the shape, in declaration order; absent when there are none. */
  readonly opaque?: readonly OpaqueCheck[];
};

/** The closed set of shapes. Absent members are bounds that are not set. */
export type SchemaShape =
  | {
      readonly type: "string";
      readonly min?: number;
      readonly max?: number;
      readonly format?: string;
      readonly pattern?: string;
      readonly flags?: string;
      /** The string is the id of an entity of this kind. */
      readonly subject?: { readonly kind: string; readonly access: Access };
      /** A UUID in this field is not an entity: the write-set heuristic skips it. */
      readonly plain?: true;
    }
  | { readonly type: "integer"; readonly min?: number; readonly max?: number }
  | { readonly type: "boolean" }
  | { readonly type: "null" }
  | { readonly type: "json" }
  | { readonly type: "literal"; readonly values: readonly JsonValue[] }
  | { readonly type: "enum"; readonly values: readonly string[] }
  | {
      readonly type: "object";
      readonly fields: { readonly [name: string]: SchemaDescription };
      readonly required: readonly string[];
      /** `refuse` (the default of verbs) or `keep`: what the parse does with members that are not named. */
      readonly unknown: "refuse" | "strip" | "keep";
    }
  | {
      readonly type: "record";
      readonly key: SchemaDescription;
      readonly value: SchemaDescription;
      readonly min?: number;
      readonly max?: number;
    }
  | { readonly type: "tuple"; readonly items: readonly SchemaDescription[]; readonly rest?: SchemaDescription }
  | { readonly type: "array"; readonly item: SchemaDescription; readonly min?: number; readonly max?: number }
  | { readonly type: "union"; readonly of: readonly SchemaDescription[]; readonly discriminator?: string }
  | { readonly type: "optional"; readonly of: SchemaDescription }
  | { readonly type: "default"; readonly of: SchemaDescription; readonly value: JsonValue }
  /**
   * A recursive schema: the n-th description around this one, counted from the root (0 = the root). Every description that holds
   * others counts, optional, default and union included.
   */
  | { readonly type: "recursive"; readonly depth: number };
