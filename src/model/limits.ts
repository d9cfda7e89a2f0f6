/** Bounds of one compilation; their values are sealed into the runbook. */
export interface Limits {
  /** Levels of macros below the root; the root is level 0. */
  readonly depthMax: number;
  readonly stepsMax: number;
  /** Steps of mode `human_gate`. */
  readonly humanStepsMax: number;
  readonly lookupsMax: number;
}

/** The named profiles of decision 2.7; where several are active, the strictest value of each bound wins. */
export const LIMIT_PROFILES = {
  runbook: { depthMax: 8, stepsMax: 500, humanStepsMax: 500, lookupsMax: 100 },
  mission: { depthMax: 8, stepsMax: 5, humanStepsMax: 2, lookupsMax: 100 },
} as const satisfies Record<string, Limits>;

/** Takes the smaller value of each bound. */
export function strictestLimits(first: Limits, ...others: readonly Limits[]): Limits {
  return others.reduce(
    (a, b) => ({
      depthMax: Math.min(a.depthMax, b.depthMax),
      stepsMax: Math.min(a.stepsMax, b.stepsMax),
      humanStepsMax: Math.min(a.humanStepsMax, b.humanStepsMax),
      lookupsMax: Math.min(a.lookupsMax, b.lookupsMax),
    }),
    first,
  );
}
