import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";

/**
 * Waits for the end of its input, that is of the process that made it, however that came about; then stops the server of a folder
 * and removes the folder.
 */
const SCRIPT = `
trap '' INT TERM HUP
cat > /dev/null
[ -d "$0" ] || exit 0
pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null)
if [ -n "$pid" ]; then
  kill -CONT "$pid" 2> /dev/null
  kill -QUIT "$pid" 2> /dev/null
  tries=0
  while kill -0 "$pid" 2> /dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
fi
umount -l "$0/small" 2> /dev/null
rm -rf "$0"
`;

/**
 * Has a folder removed, and its server stopped, when this process ends without having done so: also by SIGKILL.
 *
 * @returns lets go of the folder
 */
export function guardFolder(folder: string): () => void {
  // a shell and three of its programs: nothing of that on Windows, where a killed test run leaves its server behind
  if (process.platform === "win32") return () => undefined;
  const guard = spawn("/bin/sh", ["-c", SCRIPT, folder], { cwd: "/", stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.unref();
  unrefInput(guard);
  return () => guard.stdin.end();
}

/** An open pipe must not keep alive the process whose end it waits for. */
function unrefInput({ stdin }: ChildProcess): void {
  if (stdin !== null && "unref" in stdin && typeof stdin.unref === "function") (stdin as { unref(): void }).unref();
}
