import type { CompileRequest } from "../src/compile/compile-request.js";
import type { Runbook } from "../src/model/runbook.js";
import { compilePlan } from "../src/compile/compile-plan.js";
import { createHash } from "node:crypto";
import { invariant } from "../src/errors/invariant.js";
import { performance } from "node:perf_hooks";
import { seal } from "../src/compile/seal.js";
import {
  allocate,
  catalog,
  each,
  item,
  listOf,
  macro,
  obj,
  oneOf,
  param,
  reads,
  request,
  step,
  text,
  integer,
  verb,
  writes,
} from "../test/compile/build.js";

/**
 * Compiling and sealing against `JSON.stringify` + SHA-256 of what was sealed, in one run (issue 2, section 7).
 *
 * A macro with one loop over n customers; each step has six arguments, a new id, a read and two writes. The mark: at most 8 times
 * the yardstick at 10,000 steps, and at most 1.5 times the time per step at 100,000. Run: `npx tsx bench/compile.ts`.
 */
const transfer = verb("account.transfer", {
  account: writes("account"),
  customer: reads("customer"),
  booking: writes("booking"),
  currency: oneOf("CHF", "EUR", "USD"),
  amount: obj({ minor: integer, scale: integer }),
  memo: text,
});
const batch = macro(
  "account.transfer_all",
  { rows: listOf(obj({ id: text, customer: text, currency: text, minor: integer, memo: text })) },
  [
    each(
      "rows",
      param("rows"),
      [
        step("transfer", "account.transfer", {
          account: item("rows", "id"),
          customer: item("rows", "customer"),
          booking: allocate("booking"),
          currency: item("rows", "currency"),
          amount: { minor: item("rows", "minor"), scale: 2 },
          memo: item("rows", "memo"),
        }),
      ],
      null,
      { by: "expression", tree: item("rows", "id") },
    ),
  ],
);
const known = catalog([transfer], [batch]);

function requestOf(steps: number): CompileRequest {
  const rows = Array.from({ length: steps }, (_, index) => ({
    id: `a-${index}`,
    customer: `c-${index % 997}`,
    currency: ["EUR", "USD", "CHF"][index % 3],
    minor: index * 17,
    memo: `monthly transfer number ${index}, as agreed`,
  }));
  const limits = { depthMax: 8, stepsMax: steps, humanStepsMax: 0, lookupsMax: 0 };
  return request(known, "account.transfer_all", { rows }, { limits });
}

function compile(from: CompileRequest): Runbook {
  const planned = compilePlan(from);
  invariant(planned.kind === "planned", "the benchmark's plan is good");
  return seal(planned);
}

function timed<T>(run: () => T): { readonly ms: number; readonly value: T } {
  const start = performance.now();
  const value = run();
  return { ms: performance.now() - start, value };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Rounds of one size: compiling, and the yardstick on what came of it, side by side. */
function measure(steps: number, rounds: number): { readonly ms: number; readonly ratio: number; readonly bytes: number } {
  const from = requestOf(steps);
  const times: number[] = [];
  const ratios: number[] = [];
  let bytes = 0;
  for (let round = -2; round < rounds; round += 1) {
    const made = timed(() => compile(from));
    const sealedForm = { content: made.value.content, document: made.value.document };
    const base = timed(() => {
      const text = JSON.stringify(sealedForm);
      createHash("sha256").update(text).digest("hex");
      return text.length;
    });
    if (round < 0) continue;
    times.push(made.ms);
    ratios.push(made.ms / base.ms);
    bytes = base.value;
  }
  return { ms: median(times), ratio: median(ratios), bytes };
}

const small = measure(10_000, 15);
const large = measure(100_000, 3);
const growth = large.ms / 100_000 / (small.ms / 10_000);
console.log(
  `10,000 steps:  ${small.ms.toFixed(0)} ms, ${small.bytes} bytes, ${small.ratio.toFixed(2)}x JSON.stringify + SHA-256 (mark 8x)`,
);
console.log(`100,000 steps: ${large.ms.toFixed(0)} ms, ${large.bytes} bytes, ${large.ratio.toFixed(2)}x`);
console.log(`time per step at 100,000 over that at 10,000: ${growth.toFixed(2)}x (mark 1.5x)`);
