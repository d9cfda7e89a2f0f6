import type { SqlValue } from "./driver.js";

/** A condition and what goes into its question marks. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** `column` has this value. */
export function equal(column: string, value: SqlValue): Condition {
  return { sql: `${column} = ?`, values: [value] };
}

/** `column` has one of these values. */
export function among(column: string, values: readonly string[]): Condition {
  // an empty list would be folded into "false", which leaves the named index nothing to do, and SQLite without a plan
  const marks = values.length === 0 ? "NULL" : values.map(() => "?").join(", ");
  return { sql: `${column} IN (${marks})`, values };
}

/** All of them hold. */
export function and(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => `(${sql})`).join(" AND "),
    values: conditions.flatMap(({ values }) => values),
  };
}
