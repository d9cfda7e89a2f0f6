import type { PgQuery } from "./pg-types.js";
import type { SchemaName } from "./schema-name.js";
import { sha256Hex } from "../json/digest.js";
import { inSchema } from "./schema-name.js";

const encoder = new TextEncoder();

/** A statement that connections prepare under a name of its own: two schemas on one pool never share one. */
export class Statement {
  readonly #name: string;
  readonly text: string;

  /** @param text - with `{{schema}}` where the schema goes */
  constructor(schema: SchemaName, text: string) {
    this.text = inSchema(schema, text);
    this.#name = `runseal_${sha256Hex(encoder.encode(this.text)).slice(0, 32)}`;
  }

  with(values: readonly unknown[]): PgQuery {
    return { name: this.#name, text: this.text, values: [...values] };
  }

  /** Not prepared, for a connection that somebody else's statements go through. */
  plain(values: readonly unknown[]): PgQuery {
    return { text: this.text, values: [...values] };
  }
}
