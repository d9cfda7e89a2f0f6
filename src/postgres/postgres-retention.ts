import type { Scope, StreamName } from "../model/ids.js";
import type { Retention } from "../stores/retention.js";
import type { Database } from "./database.js";
import { integerIn } from "../sql/row.js";
import { assertStorable } from "../stores/storable-name.js";
import { Statement } from "./statement.js";

/** Drops payloads in PostgreSQL; needs a pool of the tables' owner. */
export class PostgresRetention implements Retention {
  readonly #database: Database;
  readonly #drop: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#drop = new Statement(database.schema, "SELECT {{schema}}.drop_payloads($1, $2) AS dropped");
  }

  async drop(scope: Scope, stream: StreamName): Promise<number> {
    assertStorable(scope);
    assertStorable(stream);
    const { rows } = await this.#database.query("retention.drop", this.#drop, [scope, stream]);
    const [row] = rows;
    return row === undefined ? 0 : integerIn(row, "dropped");
  }
}
