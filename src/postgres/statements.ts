import type { SchemaName } from "./schema-name.js";
import { assertStorable } from "../stores/storable-name.js";
import { Statement } from "./statement.js";

/** Collects the values of a statement whose text depends on what is asked for. */
export class Values {
  readonly #values: unknown[] = [];

  get all(): readonly unknown[] {
    return this.#values;
  }

  /**
   * Takes a value, gives its place, e.g. `$3`.
   *
   * @throws {@link RunsealError} `value.not_canonical` for a text, or one in a list, that holds NUL or a lone surrogate
   */
  place(value: string | number | readonly string[]): string {
    if (typeof value === "string") assertStorable(value);
    if (typeof value === "object") for (const name of value) assertStorable(name);
    this.#values.push(value);
    return `$${this.#values.length}`;
  }
}

/** Statements made as they are needed, one for each text: as many as there are combinations of members asked for. */
export class Statements {
  readonly #schema: SchemaName;
  readonly #made = new Map<string, Statement>();

  constructor(schema: SchemaName) {
    this.#schema = schema;
  }

  of(text: string): Statement {
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    const statement = new Statement(this.#schema, text);
    this.#made.set(text, statement);
    return statement;
  }
}
