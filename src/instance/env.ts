import { randomBytes, randomFillSync } from "node:crypto";
import type { Clock } from "../time/clock.js";
import type { Env } from "../engine/env.js";
import { breathe } from "../time/breathe.js";
import { runInStep } from "./phase-guard.js";
import { uuidV7 } from "../json/uuid.js";

/** The world as the engine sees it: the instance's clock, the platform's randomness, and the guard around handlers. */
export function envOf(clock: Clock): Env {
  return {
    now: () => clock.now(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    random: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
    entropy: (length) => new Uint8Array(randomBytes(length)),
    uuid: () => uuidV7(clock.now(), entropyOfUuid()),
    schedule: (ms, call) => clock.schedule(ms, call),
    breathe,
    inStep: runInStep,
  };
}

const UUID_BYTES = 10;
/** Asking the platform costs the same for many ids as for one. */
const pool = new Uint8Array(UUID_BYTES * 128);
let used = pool.length;

function entropyOfUuid(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += UUID_BYTES;
  return pool.subarray(used - UUID_BYTES, used);
}
