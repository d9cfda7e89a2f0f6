import type { JsonValue } from "../json/value.js";
import type { Principal } from "../model/approval.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";

/** Turns a credential into the principal it proves, or nothing. */
export type Authenticate = (credential: unknown) => Principal | undefined | null | Promise<Principal | undefined | null>;

/** How somebody says who they are: a credential where the instance authenticates, else a principal that the host vouches for. */
export interface Identification {
  readonly credential?: unknown;
  readonly principal?: {
    readonly issuer?: string;
    readonly subject: string;
    readonly claims?: { readonly [name: string]: unknown };
  };
}

/** A principal and who answers for it. */
export interface IdentifiedPrincipal extends Principal {
  readonly vouchedBy: "authenticated" | "host";
  /** The strings of `claims.roles`. */
  readonly roles: readonly string[];
}

/**
 * Finds out who is calling (decision 3.4). The credential itself goes no further than `authenticate`.
 *
 * @throws {@link RunsealError} `admission.unauthenticated` when nobody is named, or the credential proves nothing
 */
export async function identify(
  authenticate: Authenticate | undefined,
  given: Identification,
  call: string,
): Promise<IdentifiedPrincipal> {
  if (authenticate !== undefined) return { ...(await proven(authenticate, given.credential, call)), vouchedBy: "authenticated" };
  const principal = given.principal;
  if (principal === undefined) {
    throw unauthenticated(call, "this instance has no `authenticate`: pass the `principal` that your program vouches for");
  }
  return {
    ...normalised({ issuer: principal.issuer ?? "host", subject: principal.subject, claims: principal.claims ?? {} }, call),
    vouchedBy: "host",
  };
}

async function proven(
  authenticate: Authenticate,
  credential: unknown,
  call: string,
): Promise<Principal & { readonly roles: readonly string[] }> {
  if (credential === undefined) throw unauthenticated(call, "pass a `credential`: this instance authenticates");
  let principal: Principal | undefined | null;
  try {
    principal = await authenticate(credential);
  } catch {
    throw unauthenticated(call, "`authenticate` threw"); // without its cause: what it threw may hold the credential
  }
  if (principal === undefined || principal === null) throw unauthenticated(call, "the credential proves nobody");
  return normalised(principal, call);
}

function normalised(
  principal: { readonly issuer: unknown; readonly subject: unknown; readonly claims: unknown },
  call: string,
): Principal & { readonly roles: readonly string[] } {
  const { issuer, subject } = principal;
  if (typeof issuer !== "string" || typeof subject !== "string" || issuer === "" || subject === "") {
    throw unauthenticated(call, "a principal needs an `issuer` and a `subject`, both non-empty strings");
  }
  const claims = copyCanonical(principal.claims);
  if (claims === null || typeof claims !== "object" || Array.isArray(claims))
    throw unauthenticated(call, "`claims` must be an object");
  const record = claims as { readonly [name: string]: JsonValue };
  return { issuer, subject, claims: record, roles: rolesOf(record["roles"]) };
}

function rolesOf(roles: JsonValue | undefined): readonly string[] {
  return Array.isArray(roles) ? roles.filter((role: JsonValue): role is string => typeof role === "string") : [];
}

function unauthenticated(call: string, why: string): RunsealError {
  return new RunsealError("admission.unauthenticated", `"${call}" needs to know who is calling: ${why}`, { call });
}
