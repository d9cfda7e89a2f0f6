"use strict";
const { story } = require("./story.cjs");

story({ runseal: require("runseal"), sqlite: require("runseal/sqlite"), testing: require("runseal/testing") }).then(
  () => console.log(`CommonJS on Node ${process.version}: ok`),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
