import type { TestProject } from "vitest/node";
import { startCluster, UNSAFE_SETTINGS } from "./cluster.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** A PostgreSQL for tests of function: `TEST_DATABASE_URL`, or the embedded server without durability. */
    readonly databaseUrl: string;
  }
}

/** Starts the server that all test files share, each in schemas of its own. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") {
    project.provide("databaseUrl", given);
    return undefined;
  }
  const cluster = await startCluster({ settings: { ...UNSAFE_SETTINGS, max_connections: 300 } });
  project.provide("databaseUrl", cluster.url());
  return () => cluster.remove();
}
