import { describe, test } from "vitest";
import type { ContractEnv } from "../../src/testing/store-contract/contract-case.js";
import { storeContract } from "../../src/testing/store-contract/store-contract.js";

/** Stores for one case, and what takes them away again. */
export interface OpenedEnv extends ContractEnv {
  readonly dispose: () => Promise<void>;
}

/** Runs the contract of stores under vitest, a fresh backing for each case. */
export function contractSuite(title: string, open: () => Promise<OpenedEnv>): void {
  for (const port of new Set(storeContract.map((each) => each.port))) {
    describe(`${title}: ${port}`, () => {
      test.each(storeContract.filter((each) => each.port === port).map((each) => [each.name, each] as const))(
        "%s",
        async (_name, each) => {
          const env = await open();
          try {
            const outcome = await each.run(env);
            if (outcome !== undefined) process.stdout.write(`${title}: ${each.name}: left out, ${outcome.skipped}\n`);
          } finally {
            await env.dispose();
          }
        },
      );
    });
  }
}
