/** A value of the restricted model that sealed content is made of: numbers are safe integers, objects are plain. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A plain object with string keys and {@link JsonValue} members; an absent member is left out, never `undefined`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
