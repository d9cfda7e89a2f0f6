import type { PgPool } from "./pg-types.js";
import { RunsealError } from "../errors/error.js";

/** What an option must be, and how to tell. */
export interface OptionRule {
  readonly right: string;
  readonly holds: (value: unknown) => boolean;
}

/** A time in milliseconds that a timer can hold. */
export const MILLISECONDS: OptionRule = {
  right: "a number of milliseconds, a positive integer below 2^31",
  // what is more makes a timer ring at once
  holds: (value) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31,
};
/** A switch. */
export const YES_OR_NO: OptionRule = { right: "true or false", holds: (value) => typeof value === "boolean" };
/** Checked by whoever reads it, with more to say. */
export const ANYTHING: OptionRule = { right: "", holds: () => true };

/**
 * Refuses what is no pool.
 *
 * @param call - who was given it
 * @throws {@link RunsealError} `instance.misconfigured`
 */
export function checkPool(call: string, pool: PgPool): void {
  const connect: unknown = typeof pool === "object" && (pool as unknown) !== null ? Reflect.get(pool, "connect") : undefined;
  if (typeof connect === "function") return;
  throw misconfigured("pool", `${call} takes a pool of the package "pg" first: new Pool({ connectionString })`);
}

/**
 * Refuses options that can't be right, and one that nobody knows: it would be a wish that nobody hears.
 *
 * @param call - who was given them
 * @throws {@link RunsealError} `instance.misconfigured` naming the option
 */
export function checkOptions(call: string, options: object, rules: { readonly [option: string]: OptionRule }): void {
  if (typeof options !== "object" || (options as unknown) === null)
    throw misconfigured("options", `the options of ${call} are an object: { ${Object.keys(rules).join(", ")} }`);
  for (const [option, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    if (rule === undefined)
      throw misconfigured(option, `${call} knows no option "${option}", but ${Object.keys(rules).join(", ")}`);
    if (value !== undefined && !rule.holds(value)) throw misconfigured(option, `"${option}" must be ${rule.right}`);
  }
}

function misconfigured(option: string, message: string): RunsealError<"instance.misconfigured"> {
  return new RunsealError("instance.misconfigured", message, { option });
}
