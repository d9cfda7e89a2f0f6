import type { SqliteDriver } from "./driver.js";
import { RunsealError } from "../errors/error.js";
import { libsqlDriver } from "./libsql-driver.js";
import { nodeDriver } from "./node-driver.js";

/** Looks for a driver; `undefined` when this one is not here. */
export type DriverSource = () => Promise<SqliteDriver | undefined>;

/** The drivers in order of preference: the one that comes with Node, then the optional package. */
export const DRIVER_SOURCES: readonly DriverSource[] = [async () => nodeDriver(), libsqlDriver];

/**
 * Finds a driver.
 *
 * @throws {@link RunsealError} `sqlite.driver_missing` when none is here
 */
export async function findDriver(sources: readonly DriverSource[], node: string): Promise<SqliteDriver> {
  for (const source of sources) {
    const driver = await source();
    if (driver !== undefined) return driver;
  }
  const message = `node ${node} has no "node:sqlite" and the package "libsql" is not installed; install libsql, or use node 22.13 or later`;
  throw new RunsealError("sqlite.driver_missing", message, { node });
}
