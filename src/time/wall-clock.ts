/** What a store needs of time: its own now, and a wake-up that can be called off. */
export interface WallClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms` milliseconds (0 or less: as soon as possible); returns what calls it off. */
  after(ms: number, run: () => void): () => void;
}

/** Longest delay that a timer of Node keeps: beyond it fires at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** The time of this machine. */
export const systemWallClock: WallClock = Object.freeze({ now: () => Date.now(), after });

function after(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    const step = Math.min(Math.max(0, left), TIMER_MS_MAX);
    timer = setTimeout(() => (left > step ? arm(left - step) : run()), step);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
