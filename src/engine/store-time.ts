import type { Env } from "./env.js";

/**
 * The same world with its clock moved: by what the store's clock was ahead (or behind) when it answered.
 *
 * What a run waits for is found due by the store's clock; a process whose own clock lags would not agree, and park the run again at once,
 * for as long as it lags (decision 3.7: the store's time decides).
 *
 * @param aheadMs - the store's clock minus that of `env`, milliseconds
 */
export function atStoreTime(env: Env, aheadMs: number): Env {
  if (aheadMs === 0) return env;
  return {
    now: () => env.now() + aheadMs,
    sleep: (ms, signal) => env.sleep(ms, signal),
    schedule: (ms, call) => env.schedule(ms, call),
    random: () => env.random(),
    entropy: (length) => env.entropy(length),
    uuid: () => env.uuid(),
    breathe: () => env.breathe(),
    inStep: (call) => env.inStep(call),
  };
}
