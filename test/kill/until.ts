import { setTimeout as later } from "node:timers/promises";

/** Waits for something that another process does: asks again every five milliseconds. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await later(5);
}
