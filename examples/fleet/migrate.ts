import { migrate } from "runseal/postgres";
import { Billing } from "./billing.js";
import { SCHEMA, openPool } from "./service.js";

// before the first process of a new version starts; several at a time are no harm
const pool = openPool();
await migrate(pool, { schema: SCHEMA });
await new Billing(pool).createTables();
await pool.end();
console.log(`schema "${SCHEMA}" is up to date`);
