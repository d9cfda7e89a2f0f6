import { onTestFinished } from "vitest";
import type { SqlConnection, SqliteDriver } from "../../src/sqlite/driver.js";
import { DRIVER_SOURCES, findDriver, type DriverSource } from "../../src/sqlite/find-driver.js";

/** The driver of this Node. */
function driverHere(): Promise<SqliteDriver> {
  return findDriver(DRIVER_SOURCES, process.versions.node);
}

/** A second connection to a file that knows nothing of this package: no pragma set, closed when the test ends. */
export async function bareConnection(path: string): Promise<SqlConnection> {
  const connection = (await driverHere()).open(path);
  onTestFinished(() => connection.close());
  return connection;
}

/** The driver of this Node, with something done to each connection it opens. */
export function driverThat(does: (connection: SqlConnection) => void): readonly DriverSource[] {
  return [
    async () => {
      const driver = await driverHere();
      return {
        name: driver.name,
        resultCode: (error) => driver.resultCode(error),
        open: (path) => {
          const connection = driver.open(path);
          does(connection);
          return connection;
        },
      };
    },
  ];
}
