export { storeContract } from "./testing/store-contract/store-contract.js";
export type { ContractCase, ContractEnv, ContractOutcome } from "./testing/store-contract/contract-case.js";
