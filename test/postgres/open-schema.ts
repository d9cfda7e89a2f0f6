import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

/** A schema of one's own on the shared server, and pools into it. */
export class OpenSchema {
  readonly name: string;
  readonly #pools: pg.Pool[] = [];

  constructor(name = `t_${randomUUID().replaceAll("-", "")}`) {
    this.name = name;
  }

  pool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: inject("databaseUrl"), max: 4, ...options });
    pool.on("error", () => undefined);
    this.#pools.push(pool);
    return pool;
  }

  /** Drops the schema and ends every pool. */
  async drop(): Promise<void> {
    const pool = this.pool();
    await pool.query(`DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(this.name)} CASCADE`);
    for (const each of this.#pools) await each.end();
  }
}
