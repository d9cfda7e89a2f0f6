import { Pool } from "pg";
import { migrate } from "../../src/postgres/migrate.js";

/** Migrates and prints what it did. Parameters: address, schema. */
const [connectionString = "", schema = ""] = process.argv.slice(2);
const pool = new Pool({ connectionString });
process.stdout.write("ready\n");
process.stdout.write(`${JSON.stringify(await migrate(pool, { schema }))}\n`);
await pool.end();
