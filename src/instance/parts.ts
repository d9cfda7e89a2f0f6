import type { ActiveRuns } from "./active-runs.js";
import type { ApprovalPolicy } from "../model/approval-policy.js";
import type { Authenticate } from "./principal.js";
import type { Catalog } from "../catalog/catalog.js";
import type { EngineParts } from "../engine/parts.js";
import type { HandlerTable } from "./handler-table.js";
import type { JsonObject } from "../json/value.js";
import type { Limits } from "../model/limits.js";
import type { Observers } from "./observers.js";
import type { Policy } from "../model/policy.js";
import type { RunbookCache } from "./runbook-cache.js";
import type { Scope } from "../model/ids.js";
import type { Stores } from "../stores/stores.js";

/** What the files of an instance share; one per scope, made from the same stores and table. */
export interface InstanceParts {
  readonly catalog: Catalog;
  readonly scope: Scope;
  readonly stores: Stores;
  readonly table: HandlerTable;
  readonly engine: EngineParts;
  readonly policy: Policy | undefined;
  readonly approvals: ApprovalPolicy | undefined;
  readonly authenticate: Authenticate | undefined;
  readonly limits: Limits;
  readonly writeSet: "heuristic" | "declared";
  readonly build: JsonObject;
  /** Whoever is told of what was committed, over all scopes. */
  readonly observers: Observers;
  /** Runs that this process is driving, over all scopes. */
  readonly active: ActiveRuns;
  /** Sealed runbooks that this process has read to run them, over all scopes. */
  readonly runbooks: RunbookCache;
}
