import { test } from "vitest";
import { simulate } from "runseal/testing";
test("dbg", async () => {
  const from = Number(process.env["FROM"] ?? 1),
    count = Number(process.env["COUNT"] ?? 50);
  const t = performance.now();
  let ticks = 0;
  const st: Record<string, number> = {};
  const rules: Record<string, number[]> = {};
  let shown = 0;
  for (let seed = from; seed < from + count; seed++) {
    const r = await simulate({ seed, shrinksMax: shown < 2 ? 200 : 0 });
    ticks += r.ticks;
    for (const s of r.statuses) st[s] = (st[s] ?? 0) + 1;
    if (r.failure !== null) {
      (rules[r.failure.rule] ??= []).push(seed);
      if (shown++ < 2) console.log(seed, JSON.stringify(r.failure, null, 1));
    }
  }
  console.log((performance.now() - t) / count, "ms/seed", ticks / count, "ticks", st, rules);
}, 600_000);
