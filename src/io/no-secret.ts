import { RunsealError } from "../errors/error.js";

/** Where the host has no secrets: every name is unknown. */
export async function noSecret(name: string): Promise<never> {
  throw new RunsealError("secret.unresolved", `there is no secret "${name}": give the instance the option "secrets"`, { name });
}
