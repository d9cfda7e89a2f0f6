export { manualClock } from "./testing/manual-clock.js";
export type { ManualClock } from "./testing/manual-clock.js";
export { stubHandlers } from "./testing/stub-handlers.js";
export type { StubCall } from "./testing/stub-handlers.js";
export { waitForPark } from "./testing/wait-for-park.js";
export { allowUnlocked } from "./testing/allow-unlocked.js";
export { storeContract } from "./testing/store-contract/store-contract.js";
export type { ContractCase, ContractEnv, ContractOutcome } from "./testing/store-contract/contract-case.js";
