import type { Env } from "./env.js";

/**
 * The same world with its clock moved, by what the store's clock was ahead (or behind) when it answered, and going forward only.
 *
 * What a run waits for is found due by the store's clock; a process whose own clock lags would not agree, and park the run again at once,
 * for as long as it lags (decision 3.7: the store's time decides). While a run is driven its time does not go back either, whatever is done to the clock of the
 * machine: what was past its deadline is past it, and a wait that was slept through is over.
 *
 * @param aheadMs - the store's clock minus that of `env`, milliseconds
 */
export function atStoreTime(env: Env, aheadMs: number): Env {
  let latest = Number.NEGATIVE_INFINITY;
  const reach = (at: number): number => {
    if (at > latest) latest = at;
    return latest;
  };
  const now = (): number => reach(env.now() + aheadMs);
  return {
    now,
    sleep: async (ms, signal) => {
      const at = now() + ms;
      await env.sleep(ms, signal);
      if (signal?.aborted !== true) reach(at);
    },
    schedule: (ms, call) => {
      const at = now() + ms;
      return env.schedule(ms, () => {
        reach(at);
        call();
      });
    },
    random: () => env.random(),
    entropy: (length) => env.entropy(length),
    uuid: () => env.uuid(),
    breathe: () => env.breathe(),
    inStep: (call) => env.inStep(call),
  };
}
