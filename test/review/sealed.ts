import { expect } from "vitest";
import type { CompileRequest } from "../../src/compile/compile-request.js";
import type { Runbook } from "../../src/model/runbook.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { seal } from "../../src/compile/seal.js";

/** Compiles and seals, or fails the test with the refusal. */
export function sealed(from: CompileRequest): Runbook {
  const outcome = compilePlan(from);
  if (outcome.kind !== "planned") expect.fail(JSON.stringify(outcome, null, 1));
  return seal(outcome);
}
