import type { Clock } from "../time/clock.js";
import type { Readable } from "node:stream";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { kill } from "node:process";
import { spawn } from "node:child_process";

/** A program to run, everything decided. */
export interface ProcessPlan {
  /** Absolute; started as it is, without a shell and without a search path. */
  readonly program: string;
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: { readonly [name: string]: string };
  readonly cwd: string;
  readonly stdin: Buffer;
  /** How much of standard output, and how much of standard error, is kept. */
  readonly outputBytesMax: number;
  /** Time between SIGTERM and SIGKILL, milliseconds. */
  readonly killGraceMs: number;
}

/** What a program wrote to one stream: the first bytes of it, and how many there were. */
export interface Capture {
  readonly bytes: Buffer;
  readonly total: number;
  readonly isCut: boolean;
}

/** How a program ended, or why it did not start; reasons are codes of the platform (`ENOENT`). */
export type ProcessEnd =
  | { readonly kind: "not_started"; readonly reason: string }
  | {
      readonly kind: "ended";
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly stdout: Capture;
      readonly stderr: Capture;
      /** Why standard input could not be written to its end; `null` = it was, or the program closed it. */
      readonly stdinFault: string | null;
    };

/**
 * Runs a program in a process group of its own and waits until it has ended and is reaped.
 *
 * When `stop` is aborted the whole group gets SIGTERM, and SIGKILL after the grace. What is left of the group when its leader ends
 * is killed: nothing that the program forked outlives the call, unless it left the group. Never rejects.
 */
export async function runProcess(plan: ProcessPlan, clock: Clock, stop: AbortSignal): Promise<ProcessEnd> {
  const child = start(plan);
  if (typeof child === "string") return { kind: "not_started", reason: child };
  const stdout = capture(child.stdout, plan.outputBytesMax);
  const stderr = capture(child.stderr, plan.outputBytesMax);
  const stdin = feed(child, plan.stdin);
  const ended = new Promise<{ exitCode: number | null; signal: string | null } | string>((resolve) => {
    child.once("error", (error) => resolve(reasonOf(error)));
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const killer = killWhenStopped(child, plan.killGraceMs, clock, stop);
  const end = await ended;
  killer.close();
  if (typeof end === "string") return { kind: "not_started", reason: end };
  signalGroup(child, "SIGKILL");
  await untilClosed(child, closed, stop);
  return { kind: "ended", ...end, stdout: stdout(), stderr: stderr(), stdinFault: stdin() };
}

function start(plan: ProcessPlan): ChildProcessWithoutNullStreams | string {
  const { program, argv, cwd, env } = plan;
  try {
    return spawn(program, argv, { cwd, env: { ...env }, shell: false, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    return reasonOf(error);
  }
}

function capture(stream: Readable, bytesMax: number): () => Capture {
  const chunks: Buffer[] = [];
  let kept = 0;
  let total = 0;
  stream.on("data", (chunk: Buffer) => {
    total += chunk.length;
    const part = chunk.subarray(0, bytesMax - kept);
    if (part.length > 0) chunks.push(part);
    kept += part.length;
  });
  // a pipe that breaks has told all it had
  stream.on("error", () => stream.destroy());
  return () => ({ bytes: Buffer.concat(chunks), total, isCut: total > kept });
}

function feed(child: ChildProcessWithoutNullStreams, input: Buffer): () => string | null {
  let fault: string | null = null;
  child.stdin.on("error", (error) => {
    const reason = reasonOf(error);
    // a program need not read what it is given: its exit explains
    if (reason !== "EPIPE" && reason !== "ECONNRESET") fault = reason;
  });
  child.stdin.end(input);
  return () => fault;
}

function killWhenStopped(
  child: ChildProcessWithoutNullStreams,
  graceMs: number,
  clock: Clock,
  stop: AbortSignal,
): { close(): void } {
  let cancelKill = (): void => undefined;
  const terminate = (): void => {
    signalGroup(child, "SIGTERM");
    const timer = clock.schedule(graceMs, () => signalGroup(child, "SIGKILL"));
    cancelKill = () => timer.cancel();
  };
  if (stop.aborted) terminate();
  else stop.addEventListener("abort", terminate, { once: true });
  return {
    close: () => {
      stop.removeEventListener("abort", terminate);
      cancelKill();
    },
  };
}

/** Waits for the ends of the pipes; a process that left the group may hold them, but not beyond `stop`. */
async function untilClosed(child: ChildProcessWithoutNullStreams, closed: Promise<void>, stop: AbortSignal): Promise<void> {
  const cut = (): void => {
    child.stdout.destroy();
    child.stderr.destroy();
  };
  if (stop.aborted) cut();
  else stop.addEventListener("abort", cut, { once: true });
  await closed;
  stop.removeEventListener("abort", cut);
}

function signalGroup(child: ChildProcessWithoutNullStreams, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    kill(-child.pid, signal);
  } catch {
    // the group is gone, or the platform has none
    child.kill(signal);
  }
}

function reasonOf(error: unknown): string {
  const code: unknown = error !== null && typeof error === "object" ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : "unknown";
}
