import type { Digest, RunbookId } from "./ids.js";
import type { JsonObject } from "../json/value.js";

/** Version of the manifest's shape; its first member. */
export const MANIFEST_FORMAT = 1;

/** The kind of the artifact that holds a manifest. */
export const MANIFEST_KIND = "manifest";

/** How a run was asked to run. Nothing in it changes what runs. */
export interface RunConfig {
  /** `onFailure`, `skipTags`, `deadlineMs` as they are sealed. */
  readonly execution: JsonObject;
  readonly uses: string;
  /** Steps that may run at a time; `null` = one. */
  readonly concurrency: number | null;
  readonly queue: string;
  /** Higher first. */
  readonly priority: number;
  readonly labels: JsonObject;
  readonly dedupKey: string | null;
}

/**
 * What a run was started with (D-022, decision 4.10): an artifact that `run.started` names.
 *
 * It holds no run id and no time, so that two runs that were started alike have one manifest.
 */
export interface RunManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly runbookId: RunbookId;
  /** Of the document that the runbook had when the run was started. */
  readonly documentDigest: Digest;
  readonly config: RunConfig;
  /** Contract digests that the run needs; sorted. */
  readonly requires: readonly Digest[];
  /** Who asked for the runbook, `issuer:subject`; `null` when nobody was named. */
  readonly requestedBy: string | null;
  /** Build provenance: `gitCommit`, `lockfileHash`, `nodeVersion`, `packageVersion`, `platform`, `envAllowlist`. */
  readonly build: JsonObject;
}
