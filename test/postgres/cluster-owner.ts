import { startCluster } from "./cluster.js";

// a process that starts a server and never stops it: what is left of it when it ends is what the test looks at
const [how = "wait"] = process.argv.slice(2);
const cluster = await startCluster();
process.stdout.write(`${JSON.stringify({ folder: cluster.folder, pid: cluster.pid, uid: process.getuid?.() })}\n`);
if (how === "wait") process.stdin.resume();
if (how === "throw") throw new TypeError("on purpose");
