import { setTimeout as later } from "node:timers/promises";
import type { Cluster } from "../postgres/cluster.js";
import type { Fleet } from "./fleet.js";
import type { TcpProxy, Verdict } from "../postgres/tcp-proxy.js";
import type { World } from "./world.js";

/** What monkeys can get at. */
export interface Scene {
  readonly cluster: Cluster;
  /** Between the fleet and the server. */
  readonly proxy: TcpProxy;
  readonly fleet: Fleet;
  readonly world: World;
  readonly leaseMs: number;
}

/** One kind of trouble. */
export interface Monkey {
  /** Pause between two strikes, milliseconds. */
  readonly everyMs: (scene: Scene) => number;
  readonly strike: (scene: Scene) => Promise<void>;
  /** Puts right what a strike left wrong for longer. */
  readonly leave?: (scene: Scene) => Promise<void> | void;
}

/** Chance that a chunk of a client is struck, each way. */
const CUT_CHANCE = 0.02;

/** Every kind of trouble there is (issue's list), by name. */
export const MONKEYS = {
  /** Crashes the server and starts it again. */
  restart: { everyMs: () => 2_000, strike: async ({ cluster }) => cluster.restart("immediate") },
  /** Kills a worker, -9: every 200 ms, or three times what it takes to come up, whichever is longer. */
  kill: {
    everyMs: ({ fleet }) => Math.max(200, 3 * fleet.startUpMs),
    strike: async ({ fleet }) => fleet.killOne(),
  },
  /** Loses requests and replies of single statements, and now and then every connection. */
  cut: {
    everyMs: () => 500,
    strike: async ({ proxy }) => {
      proxy.judge = chance;
      if (Math.random() < 0.3) proxy.cut(Math.random() < 0.5 ? "reset" : "end");
    },
    leave: ({ proxy }) => {
      proxy.judge = () => "forward";
    },
  },
  /** Ends the sessions that hold locks. */
  locks: { everyMs: () => 700, strike: async ({ world }) => world.endLockSessions() },
  /** Freezes a worker for longer than its lease, then lets it go on. */
  freeze: { everyMs: () => 300, strike: async ({ fleet, leaseMs }) => fleet.freezeOne(2.5 * leaseMs) },
  /** Lets the disk be full for a while: every event is refused with 53100. */
  full: {
    everyMs: () => 600,
    strike: async ({ world }) => {
      await world.fillDisk(true);
      await later(300);
      await world.fillDisk(false);
    },
    leave: async ({ world }) => world.fillDisk(false),
  },
} as const satisfies Readonly<Record<string, Monkey>>;

/** The name of one kind of trouble. */
export type MonkeyName = keyof typeof MONKEYS;

function chance(): Verdict {
  const dice = Math.random();
  if (dice < CUT_CHANCE) return "drop_request";
  return dice < 2 * CUT_CHANCE ? "drop_reply" : "forward";
}

/** Lets a monkey loose until it has struck often enough; gives how often that was. */
export async function letLoose(monkey: Monkey, scene: Scene, isOver: (strikes: number) => boolean): Promise<number> {
  let strikes = 0;
  while (!isOver(strikes)) {
    await later(monkey.everyMs(scene));
    await monkey.strike(scene);
    strikes += 1;
  }
  await monkey.leave?.(scene);
  return strikes;
}
