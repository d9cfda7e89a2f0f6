import { systemClock } from "./clock.js";

/** What a store needs of time: its own now, and a wake-up that can be called off. */
export interface WallClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms` milliseconds (0 or less: as soon as possible); returns what calls it off. */
  after(ms: number, run: () => void): () => void;
}

/** The time of this machine, as {@link systemClock} tells it. */
export const systemWallClock: WallClock = Object.freeze({ now: () => systemClock.now(), after });

function after(ms: number, run: () => void): () => void {
  const scheduled = systemClock.schedule(ms, run);
  return () => scheduled.cancel();
}
