import type { ContractCase } from "./contract-case.js";
import { artifactContract } from "./artifact-contract.js";
import { commitContract } from "./commit-contract.js";
import { inboxContract } from "./inbox-contract.js";
import { leaseContract } from "./lease-contract.js";
import { limitContract } from "./limit-contract.js";
import { lockContract } from "./lock-contract.js";
import { projectionContract } from "./projection-contract.js";
import { readerContract } from "./reader-contract.js";
import { runIndexContract } from "./run-index-contract.js";
import { runbookContract } from "./runbook-contract.js";
import { scopeContract } from "./scope-contract.js";
import { transactionContract } from "./transaction-contract.js";
import { watchContract } from "./watch-contract.js";
import { workContract } from "./work-contract.js";
import { workerContract } from "./worker-contract.js";

/**
 * The contract of {@link Stores} as data: what every implementation is held to, under any test runner.
 *
 * Loop over it; give each case a fresh {@link ContractEnv}; print the reason of what comes back `skipped`.
 */
export const storeContract: readonly ContractCase[] = Object.freeze([
  ...commitContract,
  ...readerContract,
  ...runIndexContract,
  ...workContract,
  ...leaseContract,
  ...limitContract,
  ...inboxContract,
  ...runbookContract,
  ...artifactContract,
  ...lockContract,
  ...projectionContract,
  ...transactionContract,
  ...scopeContract,
  ...watchContract,
  ...workerContract,
]);
