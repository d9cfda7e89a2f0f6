import type { PlotProcess } from "../kill/process.js";
import { keepFile } from "./frozen-folder.js";

/** Keeps a run as it is now: its bundle, and beside it what is seen of it. */
export async function keepBundle({ runseal }: Pick<PlotProcess, "runseal">, name: string, runId: string): Promise<void> {
  const view = await runseal.status(runId);
  keepFile(`bundles/${name}.jsonl`, await runseal.export(runId));
  keepFile(`bundles/${name}.view.json`, `${JSON.stringify(view, null, 1)}\n`);
  process.stdout.write(`${name} ${view.status}\n`);
}
