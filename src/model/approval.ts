import type { Digest, RunbookId } from "./ids.js";
import type { JsonObject } from "../json/value.js";

/** Somebody whose word counts: who says so (`issuer`), who it is (`subject`), and what is known of them. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  readonly claims: JsonObject;
}

/** One approval or refusal of a runbook: the payload of `approval.given`. */
export interface Approval {
  readonly nonce: string;
  readonly runbookId: RunbookId;
  readonly documentDigest: Digest;
  readonly decision: "approve" | "reject";
  readonly issuer: string;
  readonly subject: string;
  readonly roles: readonly string[];
  /** `authenticated` by the instance, or `host`: the calling program vouched for the principal. */
  readonly vouchedBy: "authenticated" | "host";
  /** Milliseconds since the epoch. */
  readonly givenAt: number;
  /** `null` = does not expire. */
  readonly expiresAt: number | null;
  /** Detached Ed25519 signature over `runseal/approval/1`, base64; `null` without one. */
  readonly signature: string | null;
}

/** Where an approval stands, a fold over the runbook stream. */
export interface ApprovalState extends Approval {
  readonly status: "given" | "revoked" | "consumed";
  /** The run that spent it; `null` unless `consumed`. */
  readonly runId: string | null;
  /** How often it was spent and given back; part of the token that a start spends. */
  readonly releases: number;
}
