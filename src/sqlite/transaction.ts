import type { SqlConnection, SqlRow, SqlStatement, SqlValue } from "./driver.js";
import { assertStorable } from "../stores/storable-name.js";

/** The connection of a transaction: statements are prepared once, and no text goes in that would come out as another. */
export class Transaction {
  readonly #connection: SqlConnection;
  readonly #statements = new Map<string, SqlStatement>();

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return this.#prepared(sql).run(checked(parameters));
  }

  /** Like {@link run}, for the hot path: parameters that were checked before, or that hold nothing a name could. */
  runChecked(sql: string, parameters: readonly SqlValue[]): number {
    return this.#prepared(sql).run(parameters);
  }

  get(sql: string, ...parameters: readonly SqlValue[]): SqlRow | undefined {
    return this.#prepared(sql).get(checked(parameters));
  }

  all(sql: string, ...parameters: readonly SqlValue[]): readonly SqlRow[] {
    return this.#prepared(sql).all(checked(parameters));
  }

  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  #prepared(sql: string): SqlStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function checked(parameters: readonly SqlValue[]): readonly SqlValue[] {
  for (const parameter of parameters) if (typeof parameter === "string") assertStorable(parameter);
  return parameters;
}
