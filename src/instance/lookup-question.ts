import type { JsonValue } from "../json/value.js";
import type { VerbRef } from "../model/verb.js";

/** A read verb to call while compiling or admitting, with arguments that are already known. */
export interface LookupQuestion {
  readonly path: string;
  readonly verb: VerbRef;
  readonly args: JsonValue;
}
