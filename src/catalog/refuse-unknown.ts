import type { SchemaDescription } from "../model/schema-description.js";
import { define } from "../expression/literal.js";

/**
 * The same description with members that zod would strip refused: how arguments and parameters are read.
 *
 * What says `keep` (`z.looseObject`) keeps them. A dropped argument would be one that somebody wrote and nothing obeyed.
 */
export function refuseUnknown(description: SchemaDescription): SchemaDescription {
  switch (description.type) {
    case "object": {
      const fields: Record<string, SchemaDescription> = {};
      for (const [name, field] of Object.entries(description.fields)) define(fields, name, refuseUnknown(field));
      return { ...description, fields, unknown: description.unknown === "keep" ? "keep" : "refuse" };
    }
    case "record":
      return { ...description, value: refuseUnknown(description.value) };
    case "array":
      return { ...description, item: refuseUnknown(description.item) };
    case "tuple": {
      const items = description.items.map(refuseUnknown);
      return description.rest === undefined
        ? { ...description, items }
        : { ...description, items, rest: refuseUnknown(description.rest) };
    }
    case "union":
      return { ...description, of: description.of.map(refuseUnknown) };
    case "optional":
    case "default":
      return { ...description, of: refuseUnknown(description.of) };
    default:
      return description;
  }
}
