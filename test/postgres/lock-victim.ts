import { accounts, LockProcess } from "./lock-process.js";

/** Takes locks, says so, and keeps them until it is killed. */
const [url, schema, ...names] = process.argv.slice(2);
const holder = new LockProcess({ connectionString: url ?? "" }, { schema: schema ?? "", owner: `victim/${process.pid}` });
await holder.locks.acquire(accounts(names), { deadlineMs: 10_000, owner: holder.ownerOf("victim") });
process.stdout.write("held\n");
