import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const FOLDER = new URL("../../src/sqlite/", import.meta.url);

/** Which file writes which tables; a new row is a new way to write history, and is reviewed. */
const WRITERS = {
  "sqlite-event-store.ts": ["runseal_events", "runseal_heads", "runseal_spent_tokens"],
  "sqlite-inbox.ts": ["runseal_heads", "runseal_inbox", "runseal_inbox_consumed"],
  "sqlite-artifact-store.ts": ["runseal_artifacts"],
  "sqlite-worker-registry.ts": ["runseal_workers"],
  "sqlite-runbook-store.ts": ["runseal_documents", "runseal_runbooks", "runseal_versions"],
  "sqlite-lease-store.ts": ["runseal_heads"],
  "sqlite-lock-table.ts": ["runseal_locks"],
  "sqlite-projections.ts": ["runseal_heads"],
  "migrate.ts": ["runseal_migrations"],
};

test("events are written by commit alone, and every other table by the port it belongs to (decision 4.0)", () => {
  const found = readdirSync(FOLDER)
    .filter((name) => name !== "migrations-generated.ts")
    .map((name) => {
      const text = readFileSync(new URL(name, FOLDER), "utf8");
      const tables = [...text.matchAll(/(?:INSERT INTO|REPLACE INTO|UPDATE|DELETE FROM) (runseal_\w+)/g)].map(
        ([, table]) => table,
      );
      return [name, [...new Set(tables)].sort()] as const;
    })
    .filter(([, tables]) => tables.length > 0);
  expect(Object.fromEntries(found)).toEqual(WRITERS);
});
