import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { ProgramConfig, Taken } from "./programs/program.mjs";
import type { Counted } from "./cluster.js";

/** What a program took, with what the server did for it. */
export interface Reading extends Taken, Counted {
  /** Microseconds of processor time of the engine's process, its threads included. */
  readonly cpuUs: number;
  /** Resident bytes at the end and at most; `null` where the system does not tell. */
  readonly rss: number;
  readonly rssPeak: number | null;
}

/** A program, and how it is started. */
export interface Started {
  readonly node: string;
  readonly script: string;
  readonly config: ProgramConfig;
  readonly timeoutMs: number;
}

type Message = { readonly kind: "ready" } | ({ readonly kind: "done" } & Omit<Reading, keyof Counted>);

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) endGroup(child);
});

/**
 * Runs one program to its end: warm-up, counters on, the measured work, counters off. The process and all that it started are gone afterwards,
 * whatever happened.
 */
export async function runProgram(started: Started, count: () => Promise<() => Promise<Counted>>): Promise<Reading> {
  const { node, script, config, timeoutMs } = started;
  const child = spawn(node, ["--expose-gc", script], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    detached: true,
    env: { ...process.env, BENCH_CONFIG: JSON.stringify(config), DO_NOT_TRACK: "1", NODE_ENV: "production", NODE_OPTIONS: "" },
  });
  alive.add(child);
  let errors = "";
  child.stderr?.on("data", (data: Buffer) => (errors = (errors + data.toString()).slice(-2_000)));
  const failed = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new TypeError(`ended early (${String(code ?? signal)}): ${reasonIn(errors)}`)));
    setTimeout(() => reject(new TypeError(`took more than ${timeoutMs / 1000} s: ${reasonIn(errors)}`)), timeoutMs).unref();
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([heard(child, "ready"), failed]);
    const stop = await count();
    const done = heard(child, "done");
    child.send({ kind: "go" });
    const { kind: _kind, ...taken } = await Promise.race([done, failed]);
    const counted = await stop();
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.send({ kind: "end" });
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
    return { ...taken, ...counted };
  } finally {
    endGroup(child);
    alive.delete(child);
  }
}

function heard<K extends Message["kind"]>(child: ChildProcess, kind: K): Promise<Extract<Message, { kind: K }>> {
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      if ((message as Message).kind !== kind) return;
      child.off("message", listener);
      resolve(message as Extract<Message, { kind: K }>);
    };
    child.on("message", listener);
  });
}

/** The line that says what went wrong, of what a program wrote to its error stream. */
function reasonIn(errors: string): string {
  const lines = errors.trim().split("\n");
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? "";
}

/** A program is the head of a group of its own: what it started goes with it. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // nothing of the group is left
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
