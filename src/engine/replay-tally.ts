import type { Divergence, ReplayReport } from "../model/replay-report.js";

/** What a replay counts and finds besides what comparison finds. */
export class ReplayTally {
  readonly divergences: Divergence[] = [];
  simulated = 0;
  fromRecord = 0;
  notSimulated = 0;
  pureCalls = 0;
  readCalls = 0;

  /** Adds what only calling a handler can show. */
  add(divergence: Omit<Divergence, "kind">): void {
    this.divergences.push(Object.freeze({ kind: "outcome", ...divergence }));
  }

  /** The counts as the report has them. */
  counts(): Pick<ReplayReport, "steps" | "handlerCalls"> {
    const { simulated, fromRecord, notSimulated, pureCalls, readCalls } = this;
    return {
      steps: Object.freeze({ simulated, fromRecord, notSimulated }),
      handlerCalls: Object.freeze({ pure: pureCalls, read: readCalls, write: 0 }),
    };
  }
}
