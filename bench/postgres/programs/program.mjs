import { readFileSync } from "node:fs";

/**
 * One engine in a process of its own, told by the bench when to do what: `ready` is said after a warm-up, `go` starts the measured
 * work, `done` brings what it took, `end` closes.
 *
 * `open(config)` answers `{ prepare(work), close() }`; what `prepare` does is not measured, what the function that it gives does is.
 * That function answers `{ ms, steps, notes? }`.
 */
export async function program(open) {
  if (process.send === undefined) throw new TypeError("a program of the bench is started by it");
  // without the bench there is nobody to end this
  process.once("disconnect", () => process.exit(1));
  const config = JSON.parse(process.env.BENCH_CONFIG ?? "{}");
  const engine = await open(config);
  if (config.warm !== undefined) await (await engine.prepare(config.warm))();
  const start = await engine.prepare(config.work);
  globalThis.gc?.();
  const went = heard("go");
  process.send({ kind: "ready" });
  await went;
  const before = process.cpuUsage();
  const taken = await start();
  const { user, system } = process.cpuUsage(before);
  const ended = heard("end");
  process.send({ kind: "done", ...taken, cpuUs: user + system, rss: process.memoryUsage().rss, rssPeak: peakOfMemory() });
  await ended;
  await engine.close();
  process.exit(0);
}

/** Nanoseconds that mean the same in every process of a machine. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Does `count` pieces of work, `width` at a time, each begun when another has ended. */
export async function inLanes(count, width, work) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next;
      next += 1;
      await work(n);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

function heard(kind) {
  return new Promise((resolve) => {
    const listener = (message) => {
      if (message?.kind !== kind) return;
      process.off("message", listener);
      resolve();
    };
    process.on("message", listener);
  });
}

// `resourceUsage().maxRSS` begins with what the parent had, so the kernel's mark of this program is read
function peakOfMemory() {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** The next message of a kind from a child. */
export function heardFrom(child, kind) {
  return new Promise((resolve) => {
    const listener = (message) => {
      if (message.kind !== kind) return;
      child.off("message", listener);
      resolve(message);
    };
    child.on("message", listener);
  });
}

/** The middle and the worst but one in a hundred. */
export function percentiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
  return { p50: at(0.5), p99: at(0.99) };
}
