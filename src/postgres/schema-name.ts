import { RunsealError } from "../errors/error.js";
import { sha256Hex } from "../json/digest.js";

/** Bytes of a PostgreSQL name; what is longer is cut silently, so that two names become one. */
const NAME_BYTES_MAX = 63;

/** The schema that is meant where none is named. */
export const DEFAULT_SCHEMA = "runseal";

const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** The name of a schema in the three ways that SQL texts want it. */
export interface SchemaName {
  readonly name: string;
  /** Quoted: any text is a good name, quotes and all. */
  readonly quoted: string;
  /** Inside a string literal. */
  readonly literal: string;
  /** The channel on which processes of this schema tell each other to look. */
  readonly channel: string;
}

/**
 * Quotes the name of a schema.
 *
 * @throws {@link RunsealError} `instance.misconfigured` when it is no string, empty, longer than 63 bytes, or holds NUL
 */
export function schemaName(name: string): SchemaName {
  if (typeof (name as unknown) !== "string") {
    throw new RunsealError("instance.misconfigured", "the name of a schema is a string", { option: "schema" });
  }
  const bytes = new TextEncoder().encode(name).byteLength;
  if (bytes === 0 || bytes > NAME_BYTES_MAX || UNSTORABLE.test(name)) {
    const message = `"${name}" can't name a schema: 1 to ${NAME_BYTES_MAX} bytes of UTF-8 without NUL are`;
    throw new RunsealError("instance.misconfigured", message, { option: "schema" });
  }
  const channel = `runseal_${sha256Hex(new TextEncoder().encode(name)).slice(0, 24)}`;
  return Object.freeze({ name, quoted: `"${name.replaceAll('"', '""')}"`, literal: name.replaceAll("'", "''"), channel });
}

/** A text with the schema put in for its placeholders, `{{schema}}` and, within literals, `{{name}}`. */
export function inSchema(schema: SchemaName, text: string): string {
  return text.replaceAll(/\{\{(schema|name)\}\}/g, (_, place) => (place === "schema" ? schema.quoted : schema.literal));
}
