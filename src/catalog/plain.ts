import type { z } from "zod";
import { markCheck } from "./mark.js";

/**
 * The same string schema, marked as naming no entity: a UUID in this field is not taken into the write-set by the heuristic.
 */
export function plain<S extends z.ZodType<string | null | undefined>>(schema: S): S {
  return schema.check(markCheck({ check: "runseal_plain" }, ""));
}
