import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process of the fleet. */
export interface FleetProcess {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves with the first line that holds a text. */
  said(text: string): Promise<string>;
  readonly end: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Starts one of the scripts of this folder, as `node --import tsx <script>` does. */
export function startProcess(script: string, name: string, env: Readonly<Record<string, string>>): FleetProcess {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const end = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  const said = async (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const line = lines.find((candidate) => candidate.includes(text));
        if (line === undefined) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
      void end.then(({ code }) => {
        reject(new TypeError(`${name} ended with ${String(code)} before it said "${text}"`));
      });
    });
  return { name, child, said, end };
}
