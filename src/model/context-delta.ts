import type { Digest } from "./ids.js";
import type { JsonObject } from "../json/value.js";

/**
 * What one completed attempt changed in the context (decision 3.16): the `delta` of its `step.completed`.
 *
 * Small values stand in `set`; where they come to more than an event should carry, `ref` names the artifact that holds them and
 * `keys` lists their keys.
 */
export interface ContextDelta {
  readonly set?: JsonObject;
  readonly keys?: readonly string[];
  readonly ref?: Digest;
  readonly deleted?: readonly string[];
  /** Length of the canonical text of everything that the attempt set, in UTF-16 units. */
  readonly size: number;
}
