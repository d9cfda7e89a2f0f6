import { openService } from "./service.js";

// Goes on with a run and is killed, as by a power cut, when the second payout has happened in the bank and is not in the log yet.
const [folder, runId] = process.argv.slice(2);
if (folder === undefined || runId === undefined) process.exit(2);
let payouts = 0;
const { runseal } = openService(folder, {
  onPayout: (account) => {
    payouts += 1;
    if (payouts < 2) return;
    console.log(`   ${account} is paid out in the bank; kill -9 before the log hears of it`);
    process.kill(process.pid, "SIGKILL");
  },
});
await (await runseal.resume(runId)).result();
