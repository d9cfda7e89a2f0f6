import { createWorker } from "runseal";
import { openService, required } from "./service.js";

const name = required("WORKER_NAME");
const { runseal, close } = openService();
const worker = createWorker(runseal, { concurrency: 4 });

// an orderly end: take nothing more, let each run reach its next boundary, hand it over
const stop = (): void => {
  console.log(`${name} drains`);
  void worker
    .drain()
    .then(close)
    .then(() => {
      console.log(`${name} has handed over`);
    });
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);

worker.start();
console.log(`${name} works`);
