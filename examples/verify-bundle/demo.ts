import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineVerb, memoryStores, subject } from "runseal";

const close = defineVerb({
  name: "account.close",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write") }),
  result: z.object({ closed: z.boolean() }),
});
await using runseal = createRunseal({
  catalog: createCatalog({ verbs: [close] }),
  handlers: {
    "account.close": async ({ account }, ctx) => {
      ctx.writes("account", account);
      return { closed: true };
    },
  },
  stores: memoryStores(),
  policy: allowAll(),
});

const outcome = await runseal.compile({ name: "account.close", args: { account: "a-1" } }, { intent: "ticket-42" });
if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
const run = await runseal.execute(outcome.runbook.id);
await run.result();

const folder = mkdtempSync(join(tmpdir(), "runseal-bundle-"));
const bundle = await runseal.export(run.runId);
const { seq, hash } = await runseal.head(run.runId);
const verifier = join(dirname(fileURLToPath(import.meta.url)), "main.ts");

/** Writes a file and hands it to the verifier in a process of its own, which has no database and none of this package's code. */
function check(name: string, text: string): boolean {
  const file = join(folder, name);
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, verifier, file, `${seq}:${hash}`], {
    encoding: "utf8",
  });
  process.stdout.write(stdout + stderr);
  return status === 0;
}

const isSound = check("as-exported.jsonl", bundle);
const isNoticed = !check("result-changed.jsonl", bundle.replace('{\\"closed\\":true}', '{\\"closed\\":false}'));
const isCutNoticed = !check("cut-off.jsonl", `${bundle.split("\n").slice(0, -3).join("\n")}\n`);
rmSync(folder, { recursive: true, force: true });
if (!isSound || !isNoticed || !isCutNoticed) process.exit(1);
