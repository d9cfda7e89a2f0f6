"use strict";
const assert = require("node:assert/strict");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { z } = require("zod");

const RUNBOOK_ID = "rb_1fdd07595a86f03fca444645a58be29bf7df5b0de69cf1906c0be194d7f3e91b";

/** What must work in any consumer, whatever the format and the version of Node; takes the doors as they were loaded. */
exports.story = async function story(doors) {
  errorsAreRecognised(doors);
  await anOperationRuns(doors);
  await storesKeepTheirContract(doors);
};

function errorsAreRecognised({ runseal }) {
  const error = new runseal.RunsealError("store.closed", "the store is closed", { call: "commit" });
  assert.equal(runseal.isRunsealError(error, "store.closed"), true);
  assert.equal(runseal.isRunsealError(error, "store.full"), false);
}

/** Compiled, previewed, approved by its digest, executed from a file, read back and verified by a second instance. */
async function anOperationRuns({ runseal, sqlite }) {
  const open = runseal.defineVerb({
    name: "account.open",
    version: 1,
    effect: "write",
    recovery: "idempotent",
    args: z.object({ account: runseal.subject("account", "write"), currency: z.enum(["EUR", "USD"]) }),
    result: z.object({ number: z.string() }),
  });
  const onboard = runseal.defineMacro({
    name: "customer.onboard",
    version: 1,
    params: z.object({ currencies: z.array(z.enum(["EUR", "USD"])) }),
    body: ({ params, step, forEach, allocate }) => ({
      numbers: forEach(
        "accounts",
        params.currencies,
        (currency) => step("open", open, { account: allocate("account"), currency }).result.number,
      ),
    }),
  });
  const folder = mkdtempSync(join(tmpdir(), "runseal-smoke-"));
  const instance = () =>
    runseal.createRunseal({
      catalog: runseal.createCatalog({ verbs: [open], macros: [onboard] }),
      handlers: { "account.open": async (args) => ({ number: `${args.currency}-1` }) },
      stores: sqlite.openSqlite(join(folder, "runs.db")),
      policy: runseal.allowAll(),
    });
  try {
    const first = instance();
    const invocation = { name: "customer.onboard", args: { currencies: ["EUR", "USD"] } };
    const outcome = await first.compile(invocation, { intent: "ticket-42" });
    assert.equal(outcome.kind, "compiled");
    // the same bytes in every format and on every version of Node
    assert.equal(outcome.runbook.id, RUNBOOK_ID);
    const run = await first.execute(outcome.runbook.id);
    assert.deepEqual((await run.result()).output, { numbers: ["EUR-1", "USD-1"] });
    await first.close();

    const second = instance();
    const verdict = await second.verify(run.runId);
    assert.deepEqual([verdict.integrity, verdict.problems], ["ok", []]);
    await second.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
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
