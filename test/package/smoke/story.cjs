"use strict";
const assert = require("node:assert/strict");

/** What must work in any consumer, whatever the format and the version of Node; takes the doors as they were loaded. */
exports.story = async function story({ runseal }) {
  const error = new runseal.RunsealError("store.closed", "the store is closed", { call: "commit" });
  assert.equal(runseal.isRunsealError(error, "store.closed"), true);
  assert.equal(runseal.isRunsealError(error, "store.full"), false);
};
