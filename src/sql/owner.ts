import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Tells whether the process behind an owner text lives; `unknown` when it belongs to another host. */
export type Liveness = "alive" | "gone" | "unknown";

/** Separates the parts of an owner text: host, pid, start time, nonce. */
const SEPARATOR = "/";

/** Index of the start time in `/proc/<pid>/stat`, counted after the name in brackets (field 22 of proc(5)). */
const START_FIELD = 19;

/**
 * What this process is called in leases and locks: host, pid, start time and a nonce (decision 3.7).
 *
 * The host part names the boot and the pid namespace too where Linux tells them: a pid means nothing in another container.
 */
export function makeOwner(): string {
  return ownerOf(process.pid);
}

/** An owner text of another process of this host, under a nonce of its own. */
export function ownerOf(pid: number): string {
  made += 1;
  const nonce = `${made}-${Math.trunc(Math.random() * Number.MAX_SAFE_INTEGER).toString(36)}`;
  return [hostId(), pid, startOf(pid) ?? "", nonce].join(SEPARATOR);
}

let made = 0;

/**
 * Tells whether the process behind an owner text lives. A pid that was given out again has another start time; a process that died
 * and was not reaped counts as gone. Where start times can't be read (outside Linux) the pid alone decides.
 */
export function livenessOf(owner: string): Liveness {
  const [host, pidText, start, ...rest] = owner.split(SEPARATOR);
  const pid = Number(pidText);
  if (host !== hostId() || rest.length !== 1 || !Number.isSafeInteger(pid) || pid <= 0) return "unknown";
  if (start === "") return hasProcess(pid) ? "alive" : "gone";
  return startOf(pid) === start ? "alive" : "gone";
}

let knownHostId: string | undefined;

function hostId(): string {
  knownHostId ??= [hostname(), firstLine("/proc/sys/kernel/random/boot_id"), pidNamespace()]
    .filter((part) => part !== "")
    .join(".")
    .replaceAll(SEPARATOR, "-");
  return knownHostId;
}

function firstLine(path: string): string {
  return readOrEmpty(() => readFileSync(path, "utf8")).trim();
}

function pidNamespace(): string {
  return readOrEmpty(() => readlinkSync("/proc/self/ns/pid")).replace(/\D/g, "");
}

/** The start time of a living process in clock ticks since boot; `undefined` when it is gone, dead but not reaped, or untold. */
function startOf(pid: number): string | undefined {
  const stat = firstLine(`/proc/${pid}/stat`);
  // the name may hold anything, brackets and spaces included, so the fields begin after the last bracket
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || state === "" || state === "Z" || state === "X") return undefined;
  return fields[START_FIELD - 1];
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // somebody else's process may not be signaled, but it is there
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
