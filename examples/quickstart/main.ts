import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openService } from "./service.js";
import { verifyBundle } from "runseal";

const folder = mkdtempSync(join(tmpdir(), "runseal-quickstart-"));
const say = (title: string): void => {
  console.log(`\n\u001b[1m${title}\u001b[0m`);
};

const { bank, runseal } = openService(folder);
for (const [id, balance] of [
  ["acc-eur", "120.50"],
  ["acc-usd", "80.00"],
  ["acc-chf", "0.10"],
] as const)
  bank.open(id, "c-7", balance);

say("1  Compile: an operator's intent becomes a sealed runbook");
const outcome = await runseal.compile(runseal.invocation("customer.offboard", { customer: "c-7" }), {
  intent: "ticket-42",
  requestedBy: { issuer: "desk", subject: "omar" },
});
if (outcome.kind !== "compiled") {
  console.error(outcome);
  process.exit(1);
}
console.log(outcome.preview.text);

say("2  Without an approval of exactly this, nothing runs");
const { id, documentDigest } = outcome.runbook;
for (const blocker of (await runseal.dryRun(id)).blockers) console.log(`   ${blocker.code}: ${blocker.message}`);
const approval = await runseal.approve(id, { principal: { issuer: "desk", subject: "ines" }, viewed: documentDigest });
console.log(`   approved by ${approval.issuer}:${approval.subject}`);

say("3  Execute: until a person has to decide");
const run = await runseal.execute(id);
const parked = await run.result();
console.log(
  `   run ${run.runId} is ${parked.status}${parked.status === "parked" ? ` (${parked.reason}) at "${String(parked.stepId)}"` : ""}`,
);
await runseal.decide(run.runId, "payout", {
  verdict: "approve",
  principal: { issuer: "desk", subject: "ines" },
  payload: { iban: "DE02120300000000202051" },
});
console.log("   decided: pay out to DE02120300000000202051");

say("4  Another process goes on with it, and is killed");
const script = join(dirname(fileURLToPath(import.meta.url)), "dies-midway.ts");
const child = spawnSync(process.execPath, [...process.execArgv, script, folder, run.runId], { encoding: "utf8" });
process.stdout.write(child.stdout);
console.log(`   the process ended by ${String(child.signal)}`);

say("5  Resume from the file: nothing lost, nothing done twice");
const end = await (await runseal.resume(run.runId)).result();
console.log(`   run is ${end.status}`, end.status === "completed" ? end.output : end);
for await (const event of run.events()) {
  console.log(`   ${String(event.seq).padStart(3)}  ${event.kind}${stepOf(event.payload)}`);
}
console.log("   payouts in the bank:", bank.payouts());

say("6  Verify: chain, digests, artifacts, approvals, declared writes, fold");
const verdict = await runseal.verify(run.runId);
console.log(verdict);
const head = await runseal.head(run.runId);
console.log(`   keep this head elsewhere: ${head.stream} seq ${head.seq} ${head.hash}`);

say("7  Export: one file, checked without the database");
const bundle = await runseal.export(run.runId);
const { isSound, status } = verifyBundle(bundle, { head });
console.log(`   ${bundle.split("\n").length - 1} lines, ${isSound ? "sound" : "NOT SOUND"}, the run is ${String(status)}`);

await runseal.close();
bank.close();
rmSync(folder, { recursive: true, force: true });
if (end.status !== "completed" || !verdict.isSound || !isSound) process.exit(1);

function stepOf(payload: unknown): string {
  return typeof payload === "object" && payload !== null && "stepId" in payload ? ` ${String(payload.stepId)}` : "";
}
