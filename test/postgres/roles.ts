import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { inject, onTestFinished } from "vitest";
import { roleSql } from "../../src/postgres/role-sql.js";
import { testPool } from "./fresh-schema.js";

/** Pools of the three roles of a schema. */
export interface RolePools {
  readonly names: { readonly owner: string; readonly app: string; readonly reader: string };
  readonly owner: Pool;
  readonly app: Pool;
  readonly reader: Pool;
}

/** Makes roles for a schema that is there; they go when the test ends. */
export async function makeRoles(admin: Pool, schema: string): Promise<RolePools> {
  const suffix = randomBytes(5).toString("hex");
  // as odd as the name of a schema may be
  const names = { owner: `own'er ${suffix}`, app: `a"pp ${suffix}`, reader: `reader ${suffix}` };
  const quoted = Object.values(names).map((name) => `"${name.replaceAll('"', '""')}"`);
  onTestFinished(async () => {
    for (const role of quoted) await admin.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });
  await admin.query(roleSql({ schema, ...names }));
  for (const role of quoted) await admin.query(`ALTER ROLE ${role} LOGIN PASSWORD 'p'`);
  const as = (name: string): Pool => testPool({ connectionString: asRole(name), max: 5 });
  return { names, owner: as(names.owner), app: as(names.app), reader: as(names.reader) };
}

/** The server's address for a role with the password `p`. */
export function asRole(role: string): string {
  const url = new URL(inject("databaseUrl"));
  url.username = encodeURIComponent(role);
  url.password = "p";
  return url.href;
}
