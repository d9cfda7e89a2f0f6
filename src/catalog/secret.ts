import { z } from "zod";
import { SECRET_REFERENCE_PATTERN } from "../secrets/reference.js";

/**
 * A schema for an argument that is a reference to a secret, such as `secretRef("bank-token")`: the value itself is refused, and so is
 * never sealed, shown or recorded. The handler reads it with `ctx.secret(args.token)`.
 */
export function secret(): z.ZodString {
  return z.string().regex(new RegExp(SECRET_REFERENCE_PATTERN));
}
