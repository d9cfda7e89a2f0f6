/** Time as everything above this floor knows it; tests bring one they turn by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms` (0 or less: as soon as possible), unless canceled first. */
  schedule(ms: number, callback: () => void): Scheduled;
}

/** A callback that is still to come. */
export interface Scheduled {
  /** Calls it off; does nothing once it has run or was canceled. */
  cancel(): void;
}

/** Longest delay that a timer of the platform keeps: beyond it fires at once, so longer waits are cut into pieces. */
const TIMER_MS_MAX = 2_147_483_647;

/** The time of this machine. Its timers keep the process alive: who schedules one cancels it when closing. */
export const systemClock: Clock = Object.freeze({ now: () => Date.now(), sleep, schedule });

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = schedule(ms, wake);
    signal?.addEventListener("abort", wake);
  });
}

function schedule(ms: number, callback: () => void): Scheduled {
  let timer: NodeJS.Timeout | undefined;
  const arm = (left: number): void => {
    const piece = Math.min(Math.max(0, left), TIMER_MS_MAX);
    timer = setTimeout(() => {
      if (left > piece) arm(left - piece);
      else callback();
    }, piece);
  };
  arm(ms);
  return { cancel: () => clearTimeout(timer) };
}
