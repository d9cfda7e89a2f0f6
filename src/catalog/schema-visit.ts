import type { SchemaDescription } from "../model/schema-description.js";

/** Where a description stands in its schema; made afresh for every part. */
export interface SchemaVisit {
  /** Member names from the root, `*` for the items of a list and the values of a record. */
  readonly path: readonly string[];
  /** Definitions of the enclosing shapes, outermost first: what a recursive schema refers to. */
  readonly open: readonly object[];
  /** Schemas around this one, transparent wrappers included. */
  readonly depth: number;
  /** Parts described so far, shared by the whole description. */
  readonly count: { nodes: number };
}

/**
 * Describes a part of a schema.
 *
 * @param name - what the part is called in its place; absent for the inside of a wrapper
 * @param enclosing - the definition whose shape encloses the part; absent for wrappers that leave no trace
 */
export type DescribePart = (schema: unknown, visit: SchemaVisit, name?: string, enclosing?: object) => SchemaDescription;
