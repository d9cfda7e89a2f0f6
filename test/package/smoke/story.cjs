"use strict";
const assert = require("node:assert/strict");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

/** What must work in any consumer, whatever the format and the version of Node; takes the doors as they were loaded. */
exports.story = async function story(doors) {
  errorsAreRecognised(doors);
  await storesKeepTheirContract(doors);
};

function errorsAreRecognised({ runseal }) {
  const error = new runseal.RunsealError("store.closed", "the store is closed", { call: "commit" });
  assert.equal(runseal.isRunsealError(error, "store.closed"), true);
  assert.equal(runseal.isRunsealError(error, "store.full"), false);
}

/** The contract suite over the SQLite store: with `node:sqlite` where Node has it, else with `libsql`. */
async function storesKeepTheirContract({ sqlite, testing }) {
  const folder = mkdtempSync(join(tmpdir(), "runseal-smoke-"));
  try {
    assert.ok(testing.storeContract.length > 20);
    for (const [index, contract] of testing.storeContract.entries()) {
      const opened = [];
      const open = async () => {
        opened.push(sqlite.openSqlite(join(folder, `${index}.db`)));
        return opened.at(-1);
      };
      try {
        await contract.run({ stores: await open(), openAnother: open });
      } catch (error) {
        throw new Error(`${contract.port}: ${contract.name}`, { cause: error });
      } finally {
        for (const stores of opened) await stores.close();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
