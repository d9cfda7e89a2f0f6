import type { z } from "zod";
import type { Access, OpaqueCheck } from "../model/schema-description.js";
import { checkName, member } from "./schema-definition.js";

/** What this package writes into a schema: read back by the description. */
export type Mark =
  | { readonly check: "runseal_subject"; readonly kind: string; readonly access: Access }
  | { readonly check: "runseal_plain" }
  | { readonly check: "runseal_format"; readonly format: string }
  | ({ readonly check: "runseal_opaque" } & OpaqueCheck);

/**
 * A zod check that carries a mark, and tests values where `accepts` is given.
 *
 * A check, because checks are the one kind of note that survives `optional`, `default`, `array`, `refine` and `describe` under
 * every zod 4, and that two copies of zod read alike; metadata is lost by `refine` in zod 4.0.
 */
export function markCheck<T>(mark: Mark, message: string, accepts?: (value: T) => boolean): z.core.$ZodCheck<T> {
  return {
    _zod: {
      def: mark,
      onattach: [],
      check: (payload) => {
        if (accepts === undefined || accepts(payload.value)) return;
        payload.issues.push({ code: "custom", message, input: payload.value, continue: true });
      },
    },
  };
}

/** Reads a mark back from a check's definition; `undefined` for checks of zod and of others. */
export function markOf(check: object): Mark | undefined {
  switch (checkName(check)) {
    case "runseal_subject":
      return {
        check: "runseal_subject",
        kind: String(member(check, "kind")),
        access: member(check, "access") === "write" ? "write" : "read",
      };
    case "runseal_plain":
      return { check: "runseal_plain" };
    case "runseal_format":
      return { check: "runseal_format", format: String(member(check, "format")) };
    case "runseal_opaque":
      return { check: "runseal_opaque", name: String(member(check, "name")), version: Number(member(check, "version")) };
    default:
      return undefined;
  }
}
