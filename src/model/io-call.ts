import type { Digest } from "./ids.js";
import type { JsonValue } from "../json/value.js";

/** A question to the world, in the form that can be recorded and answered again from the record. */
export interface IoCall {
  /** Which transport answers: a name of dotted segments such as `http` or `crm.accounts`. */
  readonly namespace: string;
  readonly request: JsonValue;
  /** Under which key the answer is recorded as a fact; absent: it is not recorded, and replay can't answer it. */
  readonly factKey?: string;
}

/** The answer to an {@link IoCall}. */
export interface IoResult {
  readonly response: JsonValue;
  /** SHA-256 of the recorded payload's canonical text; absent where nothing was recorded. */
  readonly recordedPayloadId?: Digest;
}
