import type { ApprovalPolicy } from "../model/approval-policy.js";
import type { Authenticate } from "./principal.js";
import type { BuildOptions } from "./build.js";
import type { Catalog } from "../catalog/catalog.js";
import type { Clock } from "../time/clock.js";
import type { EventProfile } from "../model/event-profile.js";
import type { FaultPoint } from "../engine/fault-point.js";
import type { Handlers } from "../catalog/handlers.js";
import type { Limits } from "../model/limits.js";
import type { Observer } from "./observers.js";
import type { Policy } from "../model/policy.js";
import type { Scope } from "../model/ids.js";
import type { StepLine } from "../engine/parts.js";
import type { SecretSource } from "../io/secret-broker.js";
import type { Stores } from "../stores/stores.js";
import type { TransportGroups } from "../io/transport.js";

/** What {@link createRunseal} takes. */
export interface RunsealOptions<C extends Catalog> {
  readonly catalog: C;
  /** Without handlers an instance compiles, previews and approves, and refuses to execute. */
  readonly handlers?: Handlers<C>;
  /** `openSqlite(path)`, `memoryStores()`. */
  readonly stores: Stores;
  /** Which verbs may be used. Without one every compilation ends as `policy_unavailable`. */
  readonly policy?: Policy;
  /** Which runbooks need approval before they run. Default: none. */
  readonly approvals?: ApprovalPolicy;
  /** Turns credentials into principals. Without one, `approve` and `decide` take a `principal` that the host vouches for. */
  readonly authenticate?: Authenticate;
  /** Default: the `runbook` profile, 8 levels and 500 steps. */
  readonly limits?: Partial<Limits>;
  /** `declared`: UUIDs in arguments are not taken for entities, and a writing verb that declares nothing is refused. */
  readonly writeSet?: "heuristic" | "declared";
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default `"default"`. */
  readonly scope?: Scope;
  /** Takes `ctx.log` lines and remarks of the instance, redacted. Default: none. */
  readonly logger?: (line: StepLine) => void;
  /** What the manifest of a run says of the build: `{ gitCommit, lockfileHash, envAllowlist }`. Versions and platform are added. */
  readonly build?: BuildOptions;
  /** The world that handlers reach through `ctx.io`. Default: nothing. */
  readonly io?: { readonly transports?: TransportGroups };
  /** Where secrets come from that arguments refer to (`secret:name`) and handlers ask for. Default: there are none. */
  readonly secrets?: SecretSource;
  /** Told of every event of a run after its commit; nothing that they do can disturb a run. Default: none. */
  readonly observers?: readonly Observer[];
  /** How much handlers' own events are recorded. Default `normal`: all of them. */
  readonly eventProfile?: EventProfile;
  /** Term of a lease, milliseconds. Default 10 000. */
  readonly leaseMs?: number;
  /** Time in which all locks of a run must be had, milliseconds. Default 30 000. */
  readonly lockDeadlineMs?: number;
  /** A token that only `runseal/testing` makes: runs without locks. */
  readonly unlocked?: UnlockedToken;
  /** A token that only `runseal/testing` makes: tells a test where the engine is, so that a process can be made to die there. */
  readonly faultPoints?: FaultPointsToken;
}

const UNLOCKED = Symbol.for("runseal.unlocked");

/** Permission to run without locks; made by `allowUnlocked()` of `runseal/testing`. */
export interface UnlockedToken {
  readonly [UNLOCKED]: true;
}

/** Makes the token: called by the testing door alone. */
export function unlockedToken(): UnlockedToken {
  return Object.freeze({ [UNLOCKED]: true as const });
}

/** Tells a real token from anything else. */
export function isUnlockedToken(value: unknown): boolean {
  return typeof value === "object" && value !== null && UNLOCKED in value;
}

const FAULT_POINTS = Symbol.for("runseal.fault-points");

/** Arms the fault points of an instance; made by `atFaultPoints()` of `runseal/testing`. */
export interface FaultPointsToken {
  readonly [FAULT_POINTS]: (point: FaultPoint) => void;
}

/** Makes the token: called by the testing door alone. */
export function faultPointsToken(reached: (point: FaultPoint) => void): FaultPointsToken {
  return Object.freeze({ [FAULT_POINTS]: reached });
}

/** What a real token carries; `undefined` for anything else. */
export function faultPointOf(value: unknown): ((point: FaultPoint) => void) | undefined {
  if (typeof value !== "object" || value === null || !(FAULT_POINTS in value)) return undefined;
  const reached = value[FAULT_POINTS];
  return typeof reached === "function" ? (reached as (point: FaultPoint) => void) : undefined;
}
