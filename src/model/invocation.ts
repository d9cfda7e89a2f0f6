import type { Limits } from "./limits.js";
import type { OnFailure } from "./runbook.js";

/** What an operator asks for: a verb or a macro by name, with its arguments. */
export interface Invocation {
  readonly name: string;
  readonly args: unknown;
}

/** Who asks. Not hashed, except where a macro used a value of it. */
export interface Requester {
  /** Who vouches for the name. Default `"host"`. */
  readonly issuer?: string;
  readonly subject: string;
}

/** `issuer:subject`: one person across requests and approvals. */
export function personOf({ issuer = "host", subject }: Requester): string {
  return `${issuer}:${subject}`;
}

/** Everything a compilation may know besides the catalog: its only ambient input. */
export interface CompileContext {
  /** The reason for doing it, e.g. a ticket: same intent, same runbook, same new entity ids. */
  readonly intent?: string;
  /** `once` (default): one run per runbook; `many`: any number, refused when entities are allocated. */
  readonly uses?: "once" | "many";
  readonly session?: { readonly id: string; readonly values?: { readonly [name: string]: unknown } };
  readonly requestedBy?: Requester;
  /** Values for `bind(name)`. */
  readonly bindings?: { readonly [name: string]: unknown };
  /** Names the state of the data that was looked at; sealed. */
  readonly snapshotCursor?: string;
  /** Facts, completed verbs and the structure type that prerequisites of declarative macros may ask for. */
  readonly facts?: { readonly [predicate: string]: boolean };
  readonly completedVerbs?: readonly string[];
  readonly structureType?: string;
  /** The time a macro may use, ISO-8601 UTC; enters the runbook only where it is used. */
  readonly now?: string;
  readonly operator?: { readonly [field: string]: unknown };
  /** Ids of the packs that are active. */
  readonly packs?: readonly string[];
  /** Names the verbs that may be used, instead of asking the instance's policy. */
  readonly allowed?: AllowSet;
  /** Verb name -> snapshot of its contract, where a registry of contracts exists. */
  readonly pins?: { readonly [verb: string]: { readonly objectId: string; readonly snapshotId: string } };
  readonly execution?: ExecutionOptions;
  /** Limit profiles beyond the instance's own, e.g. `["mission"]`. */
  readonly limits?: Partial<Limits>;
}

/** Sealed options of the run itself. */
export interface ExecutionOptions {
  /** Default `stop`. */
  readonly onFailure?: OnFailure;
  /** Steps of verbs that carry one of these tags are skipped. */
  readonly skipTags?: readonly string[];
  /** Time from the first `run.started` to the end, milliseconds. */
  readonly deadlineMs?: number;
}

/** The verbs that may be used: by name (or `domain.*`), or every one. */
export type AllowSet = "all" | readonly string[];
