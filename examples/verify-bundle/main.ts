import { readFileSync } from "node:fs";
import { verify } from "./verify.js";

// usage: main.ts <bundle.jsonl> [<seq>:<hash of the head that was kept>]
const [file, head] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: tsx examples/verify-bundle/main.ts <bundle.jsonl> [<seq>:<hash>]");
  process.exit(2);
}
const [seq, hash = ""] = head?.split(":") ?? [];
const verdict = verify(readFileSync(file), seq === undefined ? undefined : { seq: Number(seq), hash });
console.log(`${file}: ${verdict.isSound ? `sound, the run is ${String(verdict.status)}` : "NOT SOUND"}`);
for (const problem of verdict.problems) console.log(`   ${problem}`);
if (!verdict.isSound) process.exit(1);
